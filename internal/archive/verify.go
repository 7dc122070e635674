package archive

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/bundle"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/pace"
)

// Check says whether a document is strict JSON within the bounds of data: who writes policies may nest deeper than a
// request's body. It steps aside for requests.
func Check(doc []byte) error {
	var step pace.Pace
	return jsonspan.Check(doc, jsonspan.Bounds{Depth: 256, Number: 1000, Pause: step.Step}) //nolint:wrapcheck // it says where
}

// Verify checks that files have a signature by one of the keys of config, and that every one of them is the one signed,
// and none is missing. The token is verified by OPA itself; what is done here is to hash the files, since OPA makes maps
// of data for that, which take several times the memory of the data. Exclude of config is not looked at: there is no file
// that need not be signed.
func Verify(files []File, config *bundle.VerificationConfig) error {
	left, err := signed(files, config)
	if err != nil {
		return err
	}
	for i := range files {
		if bundle.IsSignaturesFile(files[i].Name) {
			continue
		}
		if err := verify(&files[i], left); err != nil {
			return err
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("file(s) %v specified in bundle signatures but not found in the target bundle", slices.Sorted(maps.Keys(left)))
	}
	return nil
}

// signed gives the files that the signature names, once it has been proven.
func signed(files []File, config *bundle.VerificationConfig) (map[string]bundle.FileInfo, error) {
	var signatures *bundle.SignaturesConfig
	for _, f := range files {
		if !bundle.IsSignaturesFile(f.Name) {
			continue
		}
		if signatures != nil {
			return nil, errors.New("bundle contains multiple signatures files")
		}
		signatures = new(bundle.SignaturesConfig)
		if err := json.Unmarshal(f.Content, signatures); err != nil {
			return nil, fmt.Errorf("bundle load failed on signatures decode: %w", err)
		}
	}
	if signatures == nil {
		return nil, errors.New("bundle missing .signatures.json file")
	}
	return bundle.VerifyBundleSignature(*signatures, config) //nolint:wrapcheck // it says what is wrong
}

// hashes are the algorithms of which we make the hash of JSON ourselves. Whatever else OPA knows, it does itself.
var hashes = map[bundle.HashingAlgorithm]func() hash.Hash{
	bundle.SHA256: sha256.New,
	bundle.SHA384: sha512.New384,
	bundle.SHA512: sha512.New,
}

// verify checks that a file is the one that was signed, and takes it off those that were.
func verify(f *File, files map[string]bundle.FileInfo) error {
	name, doc := strings.TrimPrefix(f.Name, "/"), f.Content
	f.Strict = path.Base(name) == "data.json" && Check(doc) == nil
	info, there := files[name]
	made, ours := hashes[bundle.HashingAlgorithm(info.Algorithm)]
	if !there || !ours || !f.Strict || len(doc) > maxDigested {
		return bundle.VerifyBundleFile(name, *bytes.NewBuffer(doc), files) //nolint:wrapcheck // it says what is wrong
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
