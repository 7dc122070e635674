package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

// A printed API key is wg_<id>_<secret><checksum>, 65 characters of a fixed shape, so that scanners find keys in code
// and logs, and a mistyped key is known before it is looked up:
//
//	wg_        what it is
//	id         12 characters, not secret: the name of the key in its file and in logs
//	secret     43 random characters of 62, which is 256 bits
//	checksum   6 characters: the CRC-32 (IEEE) of everything before it, in base 62, padded with 0
const (
	keyPrefix      = "wg_"
	keyIDLen       = 12
	keySecretLen   = 43
	keyChecksumLen = 6
	keyLen         = len(keyPrefix) + keyIDLen + 1 + keySecretLen + keyChecksumLen
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// isBase62 says whether s has no character but those of base62.
func isBase62(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// randomBase62 gives n characters, each of the 62 as likely as any other.
func randomBase62(n int) string {
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		_, _ = rand.Read(buf[:]) // it never fails: crypto/rand ends the process instead
		for _, b := range buf {
			// 248 is the largest multiple of 62 in a byte; the rest would make some characters likelier.
			if b < 248 && len(out) < n {
				out = append(out, base62[b%62])
			}
		}
	}
	return string(out)
}

func checksum(s string) string {
	var out [keyChecksumLen]byte
	n := crc32.ChecksumIEEE([]byte(s))
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = base62[n%62]
		n /= 62
	}
	return string(out[:])
}

// splitKey gives the id and the secret of a printed key; ok is false if it is not one, to the last character.
func splitKey(printed string) (id, secret string, ok bool) {
	if len(printed) != keyLen || !strings.HasPrefix(printed, keyPrefix) {
		return "", "", false
	}
	body, sum := printed[:keyLen-keyChecksumLen], printed[keyLen-keyChecksumLen:]
	id, secret = body[len(keyPrefix):len(keyPrefix)+keyIDLen], body[len(body)-keySecretLen:]
	if body[len(keyPrefix)+keyIDLen] != '_' || !isBase62(id) || !isBase62(secret) || checksum(body) != sum {
		return "", "", false
	}
	return id, secret, true
}

// keyShaped says whether s has the form of a printed key, mistyped or not.
func keyShaped(s string) bool {
	return len(s) == keyLen && strings.HasPrefix(s, keyPrefix) && s[len(keyPrefix)+keyIDLen] == '_' &&
		isBase62(s[len(keyPrefix):len(keyPrefix)+keyIDLen]) && isBase62(s[len(keyPrefix)+keyIDLen+1:])
}

// HasKey says whether a text has an API key in it, mistyped or not.
func HasKey(text string) bool { return HideKeys(text, "") != text }

// HideKeys gives a text in which something else stands in the place of the secret of each API key, mistyped or not. Their
// ids stay, which are no secret.
func HideKeys(text, instead string) string {
	var b strings.Builder
	done := 0 // as far as text is in b
	for at := 0; ; {
		i := strings.Index(text[at:], keyPrefix)
		if i < 0 {
			break
		}
		at += i + len(keyPrefix)
		secret := at + keyIDLen + 1
		if secret >= len(text) || text[secret-1] != '_' || !isBase62(text[at:secret-1]) {
			continue
		}
		end := secret
		for end < len(text) && isBase62(text[end:end+1]) {
			end++
		}
		if end == secret {
			continue
		}
		b.WriteString(text[done:secret])
		b.WriteString(instead)
		at, done = end, end
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// Key is what the file says of an API key. It holds no secret.
type Key struct {
	// ID names the key, 12 letters and digits. It is a part of the printed key.
	ID string

	// Hash is the SHA-256 of the secret. A fast hash is right here: it is slow hashes that make guessing dear where
	// people choose passwords, but nobody guesses one of 2^256 secrets, however fast; and a slow hash would let
	// anybody spend the gateway's time with made-up keys.
	Hash [sha256.Size]byte

	// Consumer is the id of the consumer that the key belongs to: 1 to 256 characters of printable ASCII.
	Consumer string

	// Name is for people. Default: Consumer.
	Name string

	// Expires is the instant from which the key is no longer accepted; the zero time is never.
	Expires time.Time

	// Version pins the consumer to a version of the API, "" to none.
	Version string

	// Plan names the consumer's plan of quotas, "" none.
	Plan string

	// Scopes are what the key may be used for, and Groups what the consumer belongs to, for policies to read; at
	// most 64 each.
	Scopes, Groups []string
}

// NewKey makes a new API key for what k says; its ID and Hash are set to new ones. printed is the key, to be shown once
// and kept nowhere; k.Line() is its line for the key file.
func NewKey(k *Key) (printed string, err error) {
	k.ID = randomBase62(keyIDLen)
	secret := randomBase62(keySecretLen)
	k.Hash = sha256.Sum256([]byte(secret))
	line := k.Line()
	if strings.ContainsAny(line, "\r\n") {
		return "", errors.New("making an API key: what is said of a key stands on one line")
	}
	if _, diags := ParseKeys("", []byte(line)); diags.HasErrors() {
		return "", fmt.Errorf("making an API key: %s: %s", strings.ToLower(diags[0].Summary), diags[0].Detail)
	}
	body := keyPrefix + k.ID + "_" + secret
	return body + checksum(body), nil
}

var escapeQuoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// Line is the key's line in a key file, without the line's end.
func (k *Key) Line() string {
	var b strings.Builder
	b.WriteString(k.ID + " " + hashPrefix + hex.EncodeToString(k.Hash[:]))
	field := func(name, value string) {
		if value == "" {
			return
		}
		if strings.ContainsAny(value, " \"\\#") {
			value = `"` + escapeQuoted.Replace(value) + `"`
		}
		b.WriteString(" " + name + "=" + value)
	}
	field("consumer", k.Consumer)
	if !k.Expires.IsZero() {
		field("expires", k.Expires.UTC().Format(time.RFC3339))
	}
	field("version", k.Version)
	field("plan", k.Plan)
	field("scopes", strings.Join(k.Scopes, ","))
	field("groups", strings.Join(k.Groups, ","))
	field("name", k.Name)
	return b.String()
}
