package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"mime"
	"net/url"
	"slices"
	"strings"
)

// twilioContents are what Twilio may have signed: the address as it was configured and, of a form, its parameters in
// the order of their names, a value that is there twice once. Twilio writes the standard port at times and leaves it
// out at others, so that both addresses are tried, as its own libraries do.
func twilioContents(p parts) [][][]byte {
	var form []byte
	if t, _, err := mime.ParseMediaType(p.call.Header.Get("Content-Type")); err == nil && t == "application/x-www-form-urlencoded" {
		values, err := url.ParseQuery(string(p.call.Body))
		if err != nil {
			return nil
		}
		names := make([]string, 0, len(values))
		for name := range values {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			all := slices.Clone(values[name])
			slices.Sort(all)
			for _, value := range slices.Compact(all) {
				form = append(append(form, name...), value...)
			}
		}
	}
	var all [][][]byte
	for _, address := range twilioAddresses(p.call.URL) {
		all = append(all, [][]byte{[]byte(address), form})
	}
	return all
}

// twilioAddresses are the address, without its port and with it.
func twilioAddresses(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" {
			port = "80"
		}
	}
	name := u.Hostname()
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	scheme, rest, _ := strings.Cut(address, "://")
	_, after, _ := strings.Cut(rest, u.Host)
	return []string{scheme + "://" + name + after, scheme + "://" + name + ":" + port + after}
}

// twilioDigest looks at the digest in the address, which is how Twilio signs a body that is no form.
func twilioDigest(c Call) error {
	t, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err == nil && t == "application/x-www-form-urlencoded" || len(c.Body) == 0 {
		return nil
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return errMalformed
	}
	given, err := hex.DecodeString(u.Query().Get("bodySHA256"))
	if err != nil {
		return errMalformed
	}
	sum := sha256.Sum256(c.Body)
	if subtle.ConstantTimeCompare(given, sum[:]) != 1 {
		return errWrong
	}
	return nil
}
