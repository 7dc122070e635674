// Package bundletest makes real OPA bundles, signed as OPA signs them, and serves them over HTTPS, for tests.
package bundletest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/util"
)

// Files are the files of a bundle: text by path. ".manifest" is the manifest.
type Files map[string]string

// Pack makes the archive of a bundle, without a signature.
func (f Files) Pack(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	archive := tar.NewWriter(packed)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if err := archive.WriteHeader(&tar.Header{Name: "/" + name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(f[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(f[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Key is a signer's key.
type Key struct {
	Private, Public string // PEM
	ID, Scope       string // what signatures say
}

// NewKey makes a key for ES256.
func NewKey(t testing.TB) *Key {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return &Key{
		Private: string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})),
		Public:  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		ID:      "default",
	}
}

// File writes the public key into a folder of the test's.
func (k *Key) File(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle.pem")
	if err := os.WriteFile(path, []byte(k.Public), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Sign gives the files with a signature of them all, those already there left out.
func (k *Key) Sign(t testing.TB, f Files) Files {
	t.Helper()
	hasher, err := bundle.NewSignatureHasher(bundle.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	var infos []bundle.FileInfo
	for _, name := range slices.Sorted(maps.Keys(f)) {
		var content any = []byte(f[name])
		if bundle.IsStructuredDoc(name) {
			if err := util.Unmarshal([]byte(f[name]), &content); err != nil {
				t.Fatal(err)
			}
		}
		sum, err := hasher.HashFile(content)
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, bundle.NewFile(name, hex.EncodeToString(sum), string(bundle.SHA256)))
	}
	config := bundle.NewSigningConfig(k.Private, "ES256", "")
	if k.Scope != "" {
		config.ClaimsPath = filepath.Join(t.TempDir(), "claims.json")
		if err := os.WriteFile(config.ClaimsPath, []byte(`{"scope": "`+k.Scope+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	token, err := bundle.GenerateSignedToken(infos, config, k.ID)
	if err != nil {
		t.Fatal(err)
	}
	signatures, err := json.Marshal(bundle.SignaturesConfig{Signatures: []string{token}})
	if err != nil {
		t.Fatal(err)
	}
	signed := maps.Clone(f)
	signed[".signatures.json"] = string(signatures)
	return signed
}
