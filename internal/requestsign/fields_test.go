package requestsign

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"

	"github.com/wicketgate/wicketgate/internal/fieldtest"
	"github.com/wicketgate/wicketgate/internal/secret"
)

// signed signs the example with a key's id, and gives its two fields.
func signed(t *testing.T, id string) (http.Header, error) {
	t.Helper()
	s, err := New(Config{Kind: "message", Algorithm: "hmac-sha256", KeyID: id, Key: secret.New(strings.Repeat("k", 64)), Components: []string{"@method", "content-digest"}})
	if err != nil {
		t.Fatal(err)
	}
	req := request(t)
	return req.Header, s.message(req, []byte(hello), created)
}

// TestStructuredSignatures takes the HTTP working group's tests of Strings that are written for ids of keys: what cannot be
// written is an error, and all else is read back as it was, as are the signature and the digest.
func TestStructuredSignatures(t *testing.T) {
	for _, file := range []string{"serialised-strings.json", "string.json", "string-generated.json"} {
		for _, c := range fieldtest.Cases(t, file) {
			id, ok := c.String()
			if !ok || id == "" || c.MustFail && len(c.Raw) > 0 {
				continue
			}
			h, err := signed(t, id)
			if c.MustFail {
				if err == nil {
					t.Errorf("%s: %q is written as %s", c.Name, id, h["Signature-Input"])
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
				continue
			}
			read(t, h, id)
		}
	}
}

// read reads the fields of a signed request as those who verify it do.
func read(t *testing.T, h http.Header, id string) {
	t.Helper()
	input, err := httpsfv.UnmarshalDictionary(h["Signature-Input"])
	if err != nil {
		t.Fatalf("%s: %v", h["Signature-Input"], err)
	}
	member, _ := input.Get(label)
	list, ok := member.(httpsfv.InnerList)
	if !ok {
		t.Fatalf("%s has no list", h["Signature-Input"])
	}
	if got, _ := list.Params.Get("keyid"); got != id {
		t.Errorf("%q is read back as %q", id, got)
	}
	for _, name := range []string{"Signature", "Content-Digest"} {
		d, err := httpsfv.UnmarshalDictionary(h[name])
		if err != nil || len(d.Names()) != 1 {
			t.Fatalf("%s: %v", h[name], err)
		}
		member, _ := d.Get(d.Names()[0])
		item, _ := member.(httpsfv.Item)
		if b, ok := item.Value.([]byte); !ok || len(b) != 32 {
			t.Errorf("%s: %s is no Byte Sequence of 32", name, h[name])
		}
	}
}

// FuzzSigned signs with any id of a key: it is refused, or read back as it is.
func FuzzSigned(f *testing.F) {
	for _, id := range []string{"test-key", `a"b\c`, "\x00", "ü", " "} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if id == "" {
			return
		}
		if h, err := signed(t, id); err == nil {
			read(t, h, id)
		}
	})
}
