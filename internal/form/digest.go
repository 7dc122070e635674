package form

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// digests are the fields that give a digest of a message's content or of what it is a form of: RFC 9530, and before it
// RFC 3230 and RFC 1864.
var digests = []string{"Content-Digest", "Repr-Digest", "Digest", "Content-Md5"}

// TakeDigests takes the digests of a request's body off, because another body takes its place. Before that it holds the
// body as it came against those of RFC 9530 by sha-256 and sha-512; the error says which is not its digest, or is none.
func TakeDigests(h http.Header, body []byte) error {
	for _, name := range digests {
		lines := h[name]
		delete(h, name)
		if len(lines) == 0 || name != "Content-Digest" && name != "Repr-Digest" {
			continue
		}
		if name == "Repr-Digest" && h["Content-Range"] != nil {
			continue // it is that of the whole, of which this is a part
		}
		for member := range strings.SplitSeq(strings.Join(lines, ","), ",") {
			if err := checkDigest(strings.Trim(member, " \t"), body); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// checkDigest holds a body against a member of a dictionary of digests (RFC 9530, section 2). Neither a key nor a byte
// sequence has commas (RFC 9651, section 3.2), and no parameter is defined that might.
func checkDigest(member string, body []byte) error {
	algorithm, value, _ := strings.Cut(member, "=")
	var sum []byte
	switch algorithm {
	case "sha-256":
		s := sha256.Sum256(body)
		sum = s[:]
	case "sha-512":
		s := sha512.Sum512(body)
		sum = s[:]
	default:
		return nil // nobody has to know it (section 5)
	}
	value, _, _ = strings.Cut(value, ";")
	if len(value) < 2 || value[0] != ':' || value[len(value)-1] != ':' {
		return fmt.Errorf("%s is not followed by a byte sequence", algorithm)
	}
	want, err := base64.StdEncoding.DecodeString(value[1 : len(value)-1])
	if err != nil {
		return fmt.Errorf("%s is not followed by a byte sequence", algorithm)
	}
	if !bytes.Equal(want, sum) {
		return fmt.Errorf("the body has another %s digest", algorithm)
	}
	return nil
}
