package identity

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// Bounds of a key file: room for a million keys with everything a key can say in an ordinary length. So many are read in
// some seconds, twice where the file is changed by a command, and take about 0.4 GB.
const (
	MaxKeyFile  = 256 << 20 // bytes
	maxKeys     = 1_000_000
	maxKeyLine  = 4096 // bytes
	maxKeyList  = 64   // scopes or groups of a key
	maxMistakes = 50   // told of one file; it says so if there are more
	hashPrefix  = "sha256:"
)

// KeySet is the API keys of a file, found by id.
type KeySet struct {
	keys map[string]*Key
	list []*Key // as the file has them
}

// Len is the number of keys.
func (s *KeySet) Len() int { return len(s.keys) }

// All lists the keys in the order of the file. The caller changes none.
func (s *KeySet) All() []*Key { return s.list }

// Lookup gives the key of an id, nil if there is none.
func (s *KeySet) Lookup(id string) *Key { return s.keys[id] }

// ParseKeys reads a key file. Each line is a key; empty lines and those that begin with # are skipped:
//
//	k3vJ8Qm2xT1z sha256:6f1ed0… consumer=acme expires=2027-01-01T00:00:00Z version=v1 plan=gold scopes=orders:read,orders:write name="Acme's till"
//
// First the id, then the SHA-256 of the secret in lower-case hexadecimal, then fields in any order, each once, divided
// by blanks: consumer (required), expires (RFC 3339), version, plan, scopes and groups (divided by commas), name. A value with
// a blank, a quote, a backslash or a # stands in double quotes, where \" and \\ are a quote and a backslash.
//
// file is the name that the diagnostics use. A set is returned only if the whole file is right.
func ParseKeys(file string, src []byte) (*KeySet, hcl.Diagnostics) {
	return parseKeys(file, src, maxKeys)
}

func parseKeys(file string, src []byte, most int) (*KeySet, hcl.Diagnostics) {
	p := &keyParser{file: file, most: most}
	if len(src) > MaxKeyFile {
		p.fail(0, 0, "Key file too large", fmt.Sprintf("A key file has at most %d bytes, and this one has %d.", MaxKeyFile, len(src)))
		return nil, p.diags
	}
	p.keys = make(map[string]*Key, min(bytes.Count(src, []byte{'\n'})+1, most))
	for len(src) > 0 && len(p.diags) < maxMistakes {
		line := src
		next := len(src)
		if i := bytes.IndexByte(src, '\n'); i >= 0 {
			line, next = src[:i], i+1
		}
		p.number++
		p.line = string(bytes.TrimSuffix(line, []byte{'\r'}))
		p.parse()
		p.start += next
		src = src[next:]
	}
	if len(p.diags) >= maxMistakes {
		p.fail(0, 0, "Too many mistakes", "The rest of the file was not read.")
	}
	if p.diags.HasErrors() {
		return nil, p.diags
	}
	return &KeySet{keys: p.keys, list: p.list}, nil
}

// Pins gives, for each version that a key is pinned to, the id of one such key.
func (s *KeySet) Pins() map[string]string {
	pins := map[string]string{}
	for id, k := range s.keys {
		if k.Version != "" && (pins[k.Version] == "" || id < pins[k.Version]) {
			pins[k.Version] = id
		}
	}
	return pins
}

type keyParser struct {
	file   string
	number int // of the line, from 1
	start  int // of the line, in bytes
	line   string
	most   int // keys
	keys   map[string]*Key
	list   []*Key
	lines  []int32 // where each of them stands
	diags  hcl.Diagnostics
}

// fail tells a mistake in line[from:to].
func (p *keyParser) fail(from, to int, summary, detail string) {
	p.tell(from, to, summary, detail, nil)
}

// secret is fail for what may be a secret in the wrong place: it is not shown.
func (p *keyParser) secret(from, to int, summary, detail string) {
	p.tell(from, to, summary, detail, diagnostic.Sensitive{})
}

func (p *keyParser) tell(from, to int, summary, detail string, extra any) {
	pos := func(i int) hcl.Pos {
		return hcl.Pos{Line: max(p.number, 1), Column: utf8.RuneCountInString(p.line[:i]) + 1, Byte: p.start + i}
	}
	d := &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: summary, Detail: detail,
		Subject: &hcl.Range{Filename: p.file, Start: pos(from), End: pos(to)}, Extra: extra,
	}
	p.diags = append(p.diags, d)
}

func (p *keyParser) parse() {
	i := blanks(p.line, 0)
	if i == len(p.line) || p.line[i] == '#' {
		return
	}
	if len(p.line) > maxKeyLine {
		p.fail(0, 0, "Line too long", fmt.Sprintf("A line has at most %d bytes.", maxKeyLine))
		return
	}
	if !utf8.ValidString(p.line) {
		p.fail(0, 0, "Not UTF-8", "The line is not UTF-8 text.")
		return
	}
	mistakes := len(p.diags)
	k := &Key{}
	id, end := word(p.line, i)
	switch {
	case strings.HasPrefix(id, keyPrefix):
		p.secret(i, end, "A key in plain text", "A key file holds hashes and never the keys themselves. Write the id, which are the 12 characters after wg_, and the hash of the secret; better, let `caddy gateway keys add` write the line. Whoever read this file has the key, so revoke it.")
		return
	case len(id) != keyIDLen || !isBase62(id):
		p.secret(i, end, "Invalid key id", fmt.Sprintf("A line begins with a key's id, %d letters and digits.", keyIDLen))
	case p.keys[id] != nil:
		first := p.lines[slices.Index(p.list, p.keys[id])]
		p.fail(i, end, "Duplicate key id", fmt.Sprintf("The id %s stands on line %d already.", id, first))
	}
	k.ID = id

	i = blanks(p.line, end)
	hash, end := word(p.line, i)
	n, err := hex.Decode(k.Hash[:], []byte(hexOf(hash)))
	if err != nil || n != sha256.Size {
		p.secret(i, end, "Invalid hash", "The second word of a line is sha256: and the hash of the key's secret, 64 digits of 0-9 and a-f.")
	}
	p.fields(k, end)
	if len(p.diags) > mistakes {
		return
	}
	if len(p.keys) >= p.most {
		p.fail(0, 0, "Too many keys", fmt.Sprintf("A key file has at most %d keys.", p.most))
		return
	}
	if k.Name == "" {
		k.Name = k.Consumer
	}
	p.keys[k.ID] = k
	p.list, p.lines = append(p.list, k), append(p.lines, int32(p.number)) //nolint:gosec // a file has fewer lines than bytes
}

// hexOf gives the digits of a hash as a file spells it; "" for anything that is not exactly that.
func hexOf(hash string) string {
	digits, ok := strings.CutPrefix(hash, hashPrefix)
	if !ok || len(digits) != 2*sha256.Size || strings.ToLower(digits) != digits {
		return ""
	}
	return digits
}

var keyFields = []string{"consumer", "expires", "version", "plan", "scopes", "groups", "name"}

// fields reads name=value from line[i:].
func (p *keyParser) fields(k *Key, i int) {
	seen := make(map[string]bool, len(keyFields))
	for {
		i = blanks(p.line, i)
		if i == len(p.line) {
			break
		}
		from := i
		name, value, end, ok := pair(p.line, i)
		i = end
		if !ok {
			p.secret(from, end, "Invalid field", "A field is name=value; a value with a blank, a quote, a backslash or a # stands in double quotes, where \\\" and \\\\ are a quote and a backslash.")
			continue
		}
		if seen[name] {
			p.fail(from, end, "Duplicate field", "The field "+name+" stands on this line already.")
			continue
		}
		seen[name] = true
		if !slices.Contains(keyFields, name) { // its value may be a secret
			p.secret(from, end, "Unknown field", fmt.Sprintf("%q is not a field of a key; those are %s.%s",
				name, strings.Join(keyFields, ", "), diagnostic.DidYouMean(name, keyFields)))
		} else if wrong := p.set(k, name, value); wrong != "" {
			p.fail(from, end, "Invalid "+name, wrong)
		}
	}
	if !seen["consumer"] {
		p.fail(0, len(p.line), "Missing consumer", "A key belongs to a consumer: write consumer= and its id.")
	}
}

// set sets a field, or says what is wrong with its value.
func (p *keyParser) set(k *Key, name, value string) (wrong string) {
	switch name {
	case "consumer":
		k.Consumer = value
		if !validID(value) {
			return fmt.Sprintf("A consumer's id is 1 to %d characters of printable ASCII, without a space at either end.", maxConsumerID)
		}
	case "expires":
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return "A key expires at an instant in RFC 3339, such as 2027-01-01T00:00:00Z."
		}
		k.Expires = t
	case "version":
		k.Version = value
		if !validID(value) {
			return "A version is printable ASCII."
		}
	case "plan":
		k.Plan = value
		if !validID(value) {
			return fmt.Sprintf("The name of a plan is 1 to %d characters of printable ASCII.", maxConsumerID)
		}
	case "name":
		k.Name = value
		if !printable(value) {
			return "A name is text without control characters."
		}
	case "scopes":
		return list(&k.Scopes, value)
	case "groups":
		return list(&k.Groups, value)
	}
	return ""
}

func printable(s string) bool {
	for _, r := range s {
		if r < 0x20 || r >= 0x7f && r <= 0x9f || r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return s != ""
}

func list(dst *[]string, value string) (wrong string) {
	items := strings.Split(value, ",")
	if len(items) > maxKeyList {
		return fmt.Sprintf("At most %d are allowed.", maxKeyList)
	}
	for i, item := range items {
		if !validID(item) || strings.Contains(item, " ") {
			return "Each is printable ASCII without blanks, divided from the next by one comma."
		}
		if slices.Contains(items[:i], item) {
			return item + " stands there twice."
		}
	}
	*dst = items
	return ""
}

// blanks gives the first place at or after i that is no blank.
func blanks(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i
}

// word gives what stands from i to the next blank.
func word(s string, i int) (w string, end int) {
	end = i
	for end < len(s) && s[end] != ' ' && s[end] != '\t' {
		end++
	}
	return s[i:end], end
}

// pair reads name=value at i. If it cannot, end is where the next field may begin.
func pair(s string, i int) (name, value string, end int, ok bool) {
	whole, end := word(s, i)
	name, value, ok = strings.Cut(whole, "=")
	if !ok || name == "" || value == "" {
		return "", "", end, false
	}
	if value[0] != '"' {
		return name, value, end, !strings.ContainsAny(value, "\"\\#")
	}
	var b strings.Builder
	for j := i + len(name) + 2; j < len(s); j++ {
		switch s[j] {
		case '"':
			_, end = word(s, j+1)
			return name, b.String(), end, end == j+1
		case '\\':
			j++
			if j == len(s) || s[j] != '"' && s[j] != '\\' {
				return "", "", len(s), false
			}
		}
		b.WriteByte(s[j])
	}
	return "", "", len(s), false
}
