package form

import (
	"crypto/sha256"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"

	"github.com/wicketgate/wicketgate/internal/fieldtest"
)

// TestStructuredDigests takes the HTTP working group's tests of Byte Sequences for digests: what is none is told as none,
// and any other is the digest of another body.
func TestStructuredDigests(t *testing.T) {
	for _, c := range fieldtest.Cases(t, "binary.json") {
		if len(c.Raw) != 1 {
			continue
		}
		err := TakeDigests(http.Header{"Content-Digest": {"sha-256=" + c.Raw[0]}}, []byte("body"))
		if err == nil {
			t.Errorf("%s: %s passes for the body's digest", c.Name, c.Raw[0])
			continue
		}
		read := strings.Contains(err.Error(), "another sha-256 digest")
		if c.MustFail && read || !c.MustFail && !c.CanFail && !read {
			t.Errorf("%s: %s: %v", c.Name, c.Raw[0], err)
		}
	}
}

// FuzzDigests reads any field as digests of a body. What is a dictionary of structured fields with a digest by sha-256 passes
// only with the body's.
func FuzzDigests(f *testing.F) {
	f.Add("sha-256=:AAAA:", "body")
	f.Add("sha-512=:AAAA:;a=b, md5=:AA==:", "")
	f.Add(`sha-256=:Iw2DWNyOiM8PTJnWQxPRDJ5ZjJGJ7dSGQPnlZ5QvOWo=:;a="b,c"`, "body")
	f.Fuzz(func(t *testing.T, field, body string) {
		if TakeDigests(http.Header{"Content-Digest": {field}}, []byte(body)) != nil {
			return
		}
		d, err := httpsfv.UnmarshalDictionary([]string{field})
		if err != nil {
			return // what others say may be wrong with it is not a digest of this body's
		}
		member, there := d.Get("sha-256")
		if !there {
			return
		}
		sum := sha256.Sum256([]byte(body))
		if item, _ := member.(httpsfv.Item); !reflect.DeepEqual(item.Value, sum[:]) {
			t.Errorf("%q passes for the digest of %q", field, body)
		}
	})
}
