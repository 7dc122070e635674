package webhook

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// signed are the signatures of a call, and its time where it stands beside them.
type signed struct {
	signatures []signature
	timestamp  string
}

// signature is one, and the version that a list gives it, "" for none.
type signature struct {
	version string
	bytes   []byte
}

// plain reads a field that is one signature behind a prefix.
func plain(field string, s scheme) (signed, error) {
	text, ok := strings.CutPrefix(field, s.prefix)
	if !ok {
		return signed{}, errMalformed
	}
	b, ok := decode(text, s.encoding)
	if !ok {
		return signed{}, errMalformed
	}
	return signed{signatures: []signature{{bytes: b}}}, nil
}

// pairs reads Stripe's field: t=1492774577,v1=5257…,v1=…,v0=…. Several v1 stand there while a secret is rotated.
func pairs(field string, s scheme) (signed, error) {
	var all signed
	times, items := 0, 0
	for item := range strings.SplitSeq(field, ",") {
		if items++; items > maxSignatures {
			return signed{}, errMalformed
		}
		name, value, ok := strings.Cut(item, "=")
		switch {
		case !ok:
			return signed{}, errMalformed
		case name == "t":
			times++
			all.timestamp = value
		case name == s.version:
			if b, ok := decode(value, s.encoding); ok {
				all.signatures = append(all.signatures, signature{bytes: b})
			}
		}
	}
	if times != 1 || len(all.signatures) == 0 {
		return signed{}, errMalformed
	}
	return all, nil
}

// list reads the field of Standard Webhooks: v1,K5oZ… v1a,hnO3…. One that cannot be read is passed over: another of
// the list may be right.
func list(field string, s scheme) (signed, error) {
	var all signed
	items := 0
	for item := range strings.SplitSeq(field, " ") {
		if items++; items > maxSignatures {
			return signed{}, errMalformed
		}
		version, text, _ := strings.Cut(item, ",")
		if b, ok := decode(text, s.encoding); ok && (version == "v1" || version == "v1a") {
			all.signatures = append(all.signatures, signature{version, b})
		}
	}
	if len(all.signatures) == 0 {
		return signed{}, errMalformed
	}
	return all, nil
}

// decode reads a signature, strictly: one signature has one spelling, but for the case of hex digits.
func decode(text, encoding string) ([]byte, bool) {
	if text == "" || strings.ContainsAny(text, "\r\n") { // which base64 would pass over
		return nil, false
	}
	var b []byte
	var err error
	if encoding == "hex" {
		b, err = hex.DecodeString(text)
	} else {
		b, err = base64.StdEncoding.Strict().DecodeString(text)
	}
	return b, err == nil
}
