package webhook

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// about is where a sender says what a call is about. Nothing of it is looked at before the signature is found right.
type about struct {
	id        func(Call) string // what names the call; nil where nothing does
	kind      func(Call) string // the kind of event; nil where calls have none
	challenge func(Call) (answer string, ok bool)
	keepsID   bool // the sender's id has the form that we give ids
}

// maxName bounds, in bytes, the kind of an event and what names it; longer ones are none.
const maxName = 256

// member reads a text in the body.
func member(path ...string) func(Call) string {
	return func(c Call) string {
		raw, ok := jsonspan.Get(c.Body, path...)
		if !ok || len(raw) == 0 || raw[0] != '"' || len(raw) > 4*maxName {
			return ""
		}
		return named(jsonspan.Text(raw))
	}
}

// field reads a header field.
func field(name string) func(Call) string {
	return func(c Call) string {
		text, err := one(c.Header, name)
		if err != nil {
			return ""
		}
		return named(text)
	}
}

// named is a text that may stand in a log and in a header field; "" for any other.
func named(text string) string {
	if len(text) > maxName {
		return ""
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return ""
		}
	}
	return text
}

// gitHubKind is the event and, where it has one, the action: "pull_request.opened".
func gitHubKind(c Call) string {
	kind := field("X-Github-Event")(c)
	if !strict(c.Body) {
		return kind
	}
	if action := member("action")(c); kind != "" && action != "" {
		return kind + "." + action
	}
	return kind
}

// slackKind is that of the event in the envelope: "message"; or the envelope's own.
func slackKind(c Call) string {
	if kind := member("event", "type")(c); kind != "" {
		return kind
	}
	return member("type")(c)
}

// slackChallenge is how Slack finds out whether an address is the app's: it wants to hear what it says.
func slackChallenge(c Call) (string, bool) {
	if !strict(c.Body) || member("type")(c) != "url_verification" {
		return "", false
	}
	text := member("challenge")(c)
	return text, text != ""
}

// strict says whether a body is JSON that can be read in one way only.
func strict(body []byte) bool { return jsonspan.Check(body, jsonspan.Bounds{}) == nil }

// Challenge gives the answer to a call that only asks whether the address is ours. The call has been verified.
func (v *Verifier) Challenge(c Call) (answer string, ok bool) {
	if v.scheme.about.challenge == nil {
		return "", false
	}
	return v.scheme.about.challenge(c)
}

// Kind is the kind of event that a call tells, "" where it tells none. The call has been verified.
func (v *Verifier) Kind(c Call) string {
	if v.scheme.about.kind == nil || len(c.Body) == 0 {
		return ""
	}
	return v.scheme.about.kind(c)
}

// Kinds says whether calls tell a kind at all.
func Kinds(scheme string) bool { return schemes[scheme].about.kind != nil }

// Name names a call: the sender's own name for it, or, where it has none, a hash of its signature, which a call that
// is sent again as it was has too. A name of the gateway's own follows from the receiver's and is the same each time,
// so that whoever gets the event twice knows it. The call has been verified.
func (v *Verifier) Name(receiver string, c Call) string {
	text := ""
	if v.scheme.about.id != nil {
		text = v.scheme.about.id(c)
	}
	if text != "" && v.scheme.about.keepsID && plainName(text) {
		return text
	}
	if text == "" {
		text = strings.Join(c.Header[v.scheme.signature], " ")
	}
	return Named(receiver, text)
}

// Named is the gateway's name for what a receiver's sender calls text.
func Named(receiver, text string) string {
	h := sha256.New()
	for _, s := range []string{receiver, text} {
		sum := sha256.Sum256([]byte(s)) // of a length that no text can play with
		h.Write(sum[:])
	}
	return "msg_" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:20])
}

// plainName says whether a name can be used as it is, in subjects, addresses and header fields.
func plainName(text string) bool {
	return len(text) <= 64 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// Matches says whether a kind of event is one that a pattern means, in which * stands for any text.
func Matches(pattern, kind string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == kind
	}
	kind, ok := strings.CutPrefix(kind, first)
	if !ok {
		return false
	}
	pieces := strings.Split(rest, "*")
	last := pieces[len(pieces)-1]
	for _, piece := range pieces[:len(pieces)-1] {
		_, after, found := strings.Cut(kind, piece)
		if !found {
			return false
		}
		kind = after
	}
	return strings.HasSuffix(kind, last)
}
