package webhook

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/admit"
)

// scheme is a row of the table: what a sender does.
type scheme struct {
	signature string // the header field with the signatures, in canonical form
	form      func(field string, s scheme) (signed, error)
	prefix    string // what a plain signature begins with
	encoding  string // "hex" or "base64"
	version   string // of signatures in a list: those of other versions are passed over
	timestamp string // the header field with the time; "" where the signature has it, or none
	clock     func(string) (time.Time, error)
	id        string // the header field that names the call; "" where none does
	signed    []part // what is signed; nil where contents is not the default
	contents  func(parts) [][][]byte
	digest    func(Call) error // what else must be right of the body; nil for nothing
	read      func(secret string) (key, error)
	about     about
	webhookID bool // the sender gives endpoints an id that it signs
	custom    bool // what is looked at can be told

	endpoint string // the id, where webhookID
}

// part is a piece of what is signed.
type part struct {
	kind partKind
	text string // of a literal
}

type partKind uint8

const (
	literal partKind = iota
	partTimestamp
	partID
	partBody
	partURL
	partEndpoint
	partChecksum // of the body, CRC-32 in decimal
)

// parts are what pieces are made of, of one call.
type parts struct {
	call          Call
	timestamp, id string
	endpoint      string
}

// The table. Fields are in canonical form.
var schemes = map[string]scheme{
	// https://docs.stripe.com/webhooks/signature
	"stripe": {
		signature: "Stripe-Signature", form: pairs, version: "v1", encoding: "hex",
		signed: template("{timestamp}.{body}"), read: hmacSHA256,
		about: about{id: member("id"), kind: member("type")},
	},
	// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
	"github": {
		signature: "X-Hub-Signature-256", form: plain, prefix: "sha256=", encoding: "hex",
		signed: template("{body}"), read: hmacSHA256,
		about: about{id: field("X-Github-Delivery"), kind: gitHubKind},
	},
	// https://docs.slack.dev/authentication/verifying-requests-from-slack
	"slack": {
		signature: "X-Slack-Signature", form: plain, prefix: "v0=", encoding: "hex", timestamp: "X-Slack-Request-Timestamp",
		signed: template("v0:{timestamp}:{body}"), read: hmacSHA256,
		about: about{id: member("event_id"), kind: slackKind, challenge: slackChallenge},
	},
	// https://shopify.dev/docs/apps/build/webhooks/subscribe/https
	"shopify": {
		signature: "X-Shopify-Hmac-Sha256", form: plain, encoding: "base64",
		signed: template("{body}"), read: hmacSHA256,
		about: about{id: field("X-Shopify-Webhook-Id"), kind: field("X-Shopify-Topic")},
	},
	// https://www.twilio.com/docs/usage/webhooks/webhooks-security
	"twilio": {
		signature: "X-Twilio-Signature", form: plain, encoding: "base64",
		contents: twilioContents, digest: twilioDigest, read: hmacSHA1,
		about: about{id: field("I-Twilio-Idempotency-Token")},
	},
	// https://developer.paypal.com/api/rest/webhooks/rest/
	"paypal": {
		signature: "Paypal-Transmission-Sig", form: plain, encoding: "base64",
		timestamp: "Paypal-Transmission-Time", clock: rfc3339, id: "Paypal-Transmission-Id",
		signed: template("{id}|{timestamp}|{endpoint}|{checksum}"), read: rsaCertificate, digest: payPalAlgorithm, webhookID: true,
		about: about{id: member("id"), kind: member("event_type")},
	},
	// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
	"standard": {
		signature: "Webhook-Signature", form: list, encoding: "base64", timestamp: "Webhook-Timestamp", id: "Webhook-Id",
		signed: template("{id}.{timestamp}.{body}"), read: standardKey,
		about: about{id: field("Webhook-Id"), kind: member("type"), keepsID: true},
	},
	"hmac": {
		signature: "X-Signature", form: plain, encoding: "hex",
		signed: template("{body}"), read: hmacSHA256, custom: true,
		about: about{kind: member("type")},
	},
	// As Discord's interactions are signed, unless told otherwise.
	"ed25519": {
		signature: "X-Signature-Ed25519", form: plain, encoding: "hex", timestamp: "X-Signature-Timestamp",
		signed: template("{timestamp}{body}"), read: ed25519Key, custom: true,
		about: about{kind: member("type")},
	},
}

func init() {
	for name, s := range schemes {
		if s.contents == nil {
			s.contents = s.plainContents
		}
		if s.clock == nil {
			s.clock = unix
		}
		schemes[name] = s
	}
}

// plainContents are the pieces of a template.
func (s scheme) plainContents(p parts) [][][]byte {
	var contents [][]byte
	for _, one := range s.signed {
		contents = append(contents, one.bytes(p))
	}
	return [][][]byte{contents}
}

func (p part) bytes(of parts) []byte {
	switch p.kind {
	case partTimestamp:
		return []byte(of.timestamp)
	case partID:
		return []byte(of.id)
	case partBody:
		return of.call.Body
	case partURL:
		return []byte(of.call.URL)
	case partEndpoint:
		return []byte(of.endpoint)
	case partChecksum:
		return strconv.AppendUint(nil, uint64(crc32.ChecksumIEEE(of.call.Body)), 10)
	}
	return []byte(p.text)
}

// names says whether something is part of what is signed.
func (s scheme) names(kind partKind) bool {
	for _, p := range s.signed {
		if p.kind == kind {
			return true
		}
	}
	return false
}

// ambiguous says whether an id holds the text that divides it from its neighbours in what is signed: then the same signature is
// that of a call with another id and another body, too. In "{id}.{timestamp}.{body}", "a.1" at 2 with the body "x" is signed as
// "a" at 1 with the body "2.x" is; of two such readings the longer id always has a time behind a full stop, and those are refused.
// Beside a body or an address, which may begin and end with anything, all ids are that hold the divider.
func (s scheme) ambiguous(id string) bool {
	at := slices.IndexFunc(s.signed, func(p part) bool { return p.kind == partID })
	if at < 0 {
		return false
	}
	for _, side := range []int{-1, 1} {
		divider, neighbour := at+side, at+2*side
		if divider < 0 || divider >= len(s.signed) || s.signed[divider].kind != literal || neighbour < 0 || neighbour >= len(s.signed) {
			continue
		}
		pieces := strings.Split(id, s.signed[divider].text)
		switch s.signed[neighbour].kind {
		case partBody, partURL:
			if len(pieces) > 1 {
				return true
			}
		case partTimestamp:
			if side > 0 && slices.ContainsFunc(pieces[1:], func(piece string) bool { _, err := s.clock(piece); return err == nil }) {
				return true
			}
		}
	}
	return false
}

// timed says whether calls have a time that is signed.
func (s scheme) timed() bool { return s.names(partTimestamp) }

var partNames = map[string]partKind{
	"timestamp": partTimestamp, "id": partID, "body": partBody, "url": partURL, "endpoint": partEndpoint, "checksum": partChecksum,
}

// template takes apart what is signed; it panics where parseTemplate fails, for the table is ours.
func template(text string) []part {
	all, err := parseTemplate(text, "timestamp", "id", "body", "url", "endpoint", "checksum")
	if err != nil {
		panic(err)
	}
	return all
}

// parseTemplate takes apart what is signed: literal text, and names in braces of those that are allowed.
func parseTemplate(text string, allowed ...string) ([]part, error) {
	var all []part
	for text != "" {
		before, after, found := strings.Cut(text, "{")
		if strings.Contains(before, "}") {
			return nil, errors.New("a brace is closed that was not opened")
		}
		if before != "" {
			all = append(all, part{text: before})
		}
		if !found {
			break
		}
		name, rest, closed := strings.Cut(after, "}")
		kind, known := partNames[name]
		if !closed || !known || !slices.Contains(allowed, name) {
			return nil, fmt.Errorf("what is signed is made of text and of {%s}", strings.Join(allowed, "}, {"))
		}
		all = append(all, part{kind: kind})
		text = rest
	}
	return all, nil
}

// with is the row as an operator tells it.
func (s scheme) with(c Custom) (scheme, error) {
	for _, f := range []struct{ told, what string }{{c.Signature, "signature"}, {c.Timestamp, "timestamp"}, {c.ID, "id"}} {
		if f.told != "" && !admit.Free(f.told) && !strings.EqualFold(f.told, "Authorization") {
			return s, fmt.Errorf("%s: %q is no header field of letters, digits and hyphens that HTTP and the gateway do not use themselves", f.what, f.told)
		}
	}
	set := func(to *string, told string) {
		if told != "" {
			*to = told
		}
	}
	set(&s.prefix, c.Prefix)
	set(&s.encoding, c.Encoding)
	set(&s.signature, http.CanonicalHeaderKey(c.Signature))
	if c.Timestamp != "" || c.Signed != "" {
		s.timestamp = http.CanonicalHeaderKey(c.Timestamp)
	}
	set(&s.id, http.CanonicalHeaderKey(c.ID))
	if c.ID != "" {
		s.about.id = field(s.id)
	}
	switch c.Hash {
	case "":
	case "sha256", "sha512", "sha1":
		if s.timestamp == "X-Signature-Timestamp" && c.Timestamp == "" {
			return s, errors.New("hash: ed25519 has one of its own")
		}
		s.read = hmacOf(c.Hash)
	default:
		return s, fmt.Errorf("hash: %q is none of sha256, sha512 and sha1", c.Hash)
	}
	if s.encoding != "hex" && s.encoding != "base64" {
		return s, fmt.Errorf("encoding: %q is neither hex nor base64", s.encoding)
	}
	if c.Signed != "" {
		var err error
		if s.signed, err = parseTemplate(c.Signed, "timestamp", "id", "body", "url"); err != nil {
			return s, fmt.Errorf("signed: %w", err)
		}
	}
	switch {
	case !s.names(partBody):
		return s, errors.New("signed: the body must be part of what is signed: {body}")
	case s.names(partTimestamp) && s.timestamp == "":
		return s, errors.New("signed names {timestamp}, and timestamp names no header field that has it")
	case s.timestamp != "" && !s.names(partTimestamp):
		return s, errors.New("timestamp: a time that is not signed proves nothing; signed must name {timestamp}")
	case s.names(partID) && s.id == "":
		return s, errors.New("signed names {id}, and id names no header field that has it")
	}
	s.contents = s.plainContents
	return s, nil
}
