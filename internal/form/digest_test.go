package form

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

func TestTakeDigests(t *testing.T) {
	const body = `{"a":1}`
	s256, s512 := sha256.Sum256([]byte(body)), sha512.Sum512([]byte(body))
	good256, good512 := ":"+base64.StdEncoding.EncodeToString(s256[:])+":", ":"+base64.StdEncoding.EncodeToString(s512[:])+":"
	other := ":" + base64.StdEncoding.EncodeToString(make([]byte, sha256.Size)) + ":"
	for _, test := range []struct {
		name   string
		fields http.Header
		wrong  string // in the error; "" for none
	}{
		{"none", http.Header{}, ""},
		{"of the content", http.Header{"Content-Digest": {"sha-256=" + good256}}, ""},
		{"of what it is a form of", http.Header{"Repr-Digest": {"sha-512=" + good512}}, ""},
		{"several, on several lines", http.Header{"Content-Digest": {"sha-512=" + good512 + ", sha-256=" + good256, "unixsum=30637"}}, ""},
		{"with a parameter", http.Header{"Content-Digest": {"sha-256=" + good256 + ";by=me"}}, ""},
		{"by what nobody has to know", http.Header{"Content-Digest": {"md5=:AA==:"}}, ""},
		{"as it was before RFC 9530", http.Header{"Digest": {"sha-256=AA=="}, "Content-Md5": {"AA=="}}, ""},
		{"of the whole, where this is a part", http.Header{"Repr-Digest": {"sha-256=" + other}, "Content-Range": {"bytes 0-6/100"}}, ""},
		{"another", http.Header{"Content-Digest": {"sha-256=" + other}}, "another sha-256 digest"},
		{"another beside a right one", http.Header{"Content-Digest": {"sha-512=" + good512 + ",sha-256=" + other}}, "another sha-256 digest"},
		{"another of what it is a form of", http.Header{"Repr-Digest": {"sha-256=" + other}}, "Repr-Digest"},
		{"one that is too short", http.Header{"Content-Digest": {"sha-256=:AAAA:"}}, "another sha-256 digest"},
		{"no byte sequence", http.Header{"Content-Digest": {"sha-256=" + strings.Trim(good256, ":")}}, "not followed by a byte sequence"},
		{"no base64", http.Header{"Content-Digest": {"sha-256=:?:"}}, "not followed by a byte sequence"},
		{"no value", http.Header{"Content-Digest": {"sha-256"}}, "not followed by a byte sequence"},
	} {
		err := TakeDigests(test.fields, []byte(body))
		if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: got %v", test.name, err)
		}
		if delete(test.fields, "Content-Range"); err == nil && len(test.fields) > 0 {
			t.Errorf("%s: %v goes on", test.name, test.fields)
		}
	}
}
