// Package signature verifies the signatures of OPA bundles. Tokens are verified by OPA itself; what is done here is to
// hash the files, since OPA makes maps of data for that, which take several times the memory of the data.
package signature

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// bounds are those of JSON that is hashed here. What lies beyond them is left to OPA.
var bounds = jsonspan.Bounds{Depth: 256, Number: 1000}

// maxSignatures bounds the file of signatures, which names every file of a bundle, in bytes.
const maxSignatures = 16 << 20

var errTwo = errors.New("bundle contains multiple signatures files")

// Verify checks that an archive, a gzip'd tar, has a signature by one of the keys of config, and that every file in it
// is the one signed, and none is missing. No file may have more than size bytes. Exclude of config is not looked at:
// there is no file that need not be signed.
func Verify(archive []byte, size int64, config *bundle.VerificationConfig) error {
	files, err := signed(archive, config)
	if err != nil {
		return err
	}
	var content bytes.Buffer
	err = each(archive, func(name string, file *tar.Reader, length int64) error {
		if length > size {
			return fmt.Errorf("%s has more than %d bytes", name, size)
		}
		content.Reset()
		content.Grow(int(length) + bytes.MinRead)
		if _, err := content.ReadFrom(file); err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		return verify(name, content, files)
	})
	if err == nil && len(files) > 0 {
		err = fmt.Errorf("file(s) %v specified in bundle signatures but not found in the target bundle", slices.Sorted(maps.Keys(files)))
	}
	return err
}

// signed gives the files that the signature of an archive names, once it has been proven.
func signed(archive []byte, config *bundle.VerificationConfig) (map[string]bundle.FileInfo, error) {
	var signatures *bundle.SignaturesConfig
	err := walk(archive, func(name string, file *tar.Reader, length int64) (bool, error) {
		if !bundle.IsSignaturesFile(name) {
			return true, nil
		}
		if length > maxSignatures {
			return false, fmt.Errorf("%s has more than %d bytes", name, maxSignatures)
		}
		raw, err := io.ReadAll(file)
		if err != nil {
			return false, fmt.Errorf("reading %s: %w", name, err)
		}
		signatures = new(bundle.SignaturesConfig)
		if err := json.Unmarshal(raw, signatures); err != nil {
			return false, fmt.Errorf("bundle load failed on signatures decode: %w", err)
		}
		return false, nil // each finds a second one
	})
	if err != nil {
		return nil, err
	}
	if signatures == nil {
		return nil, errors.New("bundle missing .signatures.json file")
	}
	return bundle.VerifyBundleSignature(*signatures, config) //nolint:wrapcheck // it says what is wrong
}

// each calls f with every file of an archive but that of the signatures.
func each(archive []byte, f func(name string, file *tar.Reader, length int64) error) error {
	found := false
	return walk(archive, func(name string, file *tar.Reader, length int64) (bool, error) {
		if !bundle.IsSignaturesFile(name) {
			return true, f(name, file, length)
		}
		if found {
			return false, errTwo
		}
		found = true
		return true, nil
	})
}

// walk calls f with the files of an archive, by the names that signatures have for them, and their lengths in bytes, until
// it says false. Like OPA,
// it looks at nothing but regular files.
func walk(archive []byte, f func(name string, file *tar.Reader, length int64) (bool, error)) error {
	packed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return fmt.Errorf("archive read failed: %w", err)
	}
	for files := tar.NewReader(packed); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("archive read failed: %w", err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if more, err := f(strings.TrimPrefix(header.Name, "/"), files, header.Size); err != nil || !more {
			return err
		}
	}
}

// hashes are the algorithms of which we make the hash of JSON ourselves. Whatever else OPA knows, it does itself.
var hashes = map[bundle.HashingAlgorithm]func() hash.Hash{
	bundle.SHA256: sha256.New,
	bundle.SHA384: sha512.New384,
	bundle.SHA512: sha512.New,
}

// verify checks that a file is the one that was signed, and takes it off those that were.
func verify(name string, content bytes.Buffer, files map[string]bundle.FileInfo) error {
	info, there := files[name]
	made, ours := hashes[bundle.HashingAlgorithm(info.Algorithm)]
	doc := content.Bytes()
	if !there || !ours || path.Base(name) != "data.json" || len(doc) > maxDigested || jsonspan.Check(doc, bounds) != nil {
		return bundle.VerifyBundleFile(name, content, files) //nolint:wrapcheck // it says what is wrong
	}
	want, err := hex.DecodeString(info.Hash)
	if err != nil {
		return fmt.Errorf("%s: its hash is not hexadecimal", name)
	}
	if got := digest(made(), doc); !bytes.Equal(got, want) {
		return fmt.Errorf("%s: digest mismatch (want: %x, got: %x)", name, want, got)
	}
	delete(files, name)
	return nil
}
