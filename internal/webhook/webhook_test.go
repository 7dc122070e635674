package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/secret"
)

// call makes a call with header lines "Name: value".
func call(at int64, url, body string, fields ...string) Call {
	h := http.Header{}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		h.Add(name, value)
	}
	return Call{Header: h, URL: url, Body: []byte(body), Time: time.Unix(at, 0)}
}

func secrets(texts ...string) (all []secret.Text) {
	for _, t := range texts {
		all = append(all, secret.New(t))
	}
	return all
}

func verifier(t *testing.T, c Config) *Verifier {
	t.Helper()
	v, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mac(secret, text string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return m.Sum(nil)
}

// The attacks on Stripe's and on Standard Webhooks' fields, and what is none.
func TestFields(t *testing.T) {
	const at, body, key = 1700000000, `{"id":"evt_1","type":"charge.succeeded"}`, "whsec_test_secret"
	stamp := strconv.Itoa(at)
	good := hex.EncodeToString(mac(key, stamp+"."+body))
	raw := []byte("0123456789abcdef0123456789abcdef")
	standard := "whsec_" + base64.StdEncoding.EncodeToString(raw)
	right := base64.StdEncoding.EncodeToString(mac(string(raw), "msg_1."+stamp+"."+body))
	hook := []string{"Webhook-Id: msg_1", "Webhook-Timestamp: " + stamp}
	for _, c := range []struct {
		name, scheme string
		now          int64
		fields       []string
		want         error
	}{
		{"stripe", "stripe", at, []string{"Stripe-Signature: t=" + stamp + ",v1=" + good}, nil},
		{"stripe, 300 s late", "stripe", at + 300, []string{"Stripe-Signature: t=" + stamp + ",v1=" + good}, nil},
		{"stripe, 301 s late", "stripe", at + 301, []string{"Stripe-Signature: t=" + stamp + ",v1=" + good}, errOld},
		{"stripe, 301 s early", "stripe", at - 301, []string{"Stripe-Signature: t=" + stamp + ",v1=" + good}, errOld},
		{"stripe, rotating", "stripe", at, []string{"Stripe-Signature: t=" + stamp + ",v1=" + strings.Repeat("0", 64) + ",v1=" + good + ",v0=x"}, nil},
		{"stripe, only v0", "stripe", at, []string{"Stripe-Signature: t=" + stamp + ",v0=" + good}, errMalformed},
		{"stripe, truncated", "stripe", at, []string{"Stripe-Signature: t=" + stamp + ",v1=" + good[:62]}, errWrong},
		{"stripe, two times", "stripe", at, []string{"Stripe-Signature: t=" + stamp + ",t=" + stamp + ",v1=" + good}, errMalformed},
		{"stripe, another time", "stripe", at, []string{"Stripe-Signature: t=1700000001,v1=" + good}, errWrong},
		{"stripe, a time in hex", "stripe", at, []string{"Stripe-Signature: t=0x6553f100,v1=" + good}, errTime},
		{"stripe, no field", "stripe", at, nil, errUnsigned},
		{"stripe, two fields", "stripe", at, []string{"Stripe-Signature: t=" + stamp + ",v1=" + good, "Stripe-Signature: t=" + stamp + ",v1=" + good}, errRepeated},
		{"stripe, one added space", "stripe", at, []string{"Stripe-Signature: t=" + stamp + ", v1=" + good}, errMalformed},
		{"standard", "standard", at, append(hook, "Webhook-Signature: v1,"+right), nil},
		{"standard, good after bad", "standard", at, append(hook, "Webhook-Signature: v1,bad v2,x v1,"+right), nil},
		{"standard, truncated", "standard", at, append(hook, "Webhook-Signature: v1,"+right[:40]), errWrong},
		{"standard, of another version", "standard", at, append(hook, "Webhook-Signature: v2,"+right), errMalformed},
		{"standard, without id", "standard", at, []string{"Webhook-Timestamp: " + stamp, "Webhook-Signature: v1," + right}, errMalformed},
		{"standard, another id", "standard", at, []string{"Webhook-Id: msg_2", "Webhook-Timestamp: " + stamp, "Webhook-Signature: v1," + right}, errWrong},
		{"standard, without time", "standard", at, []string{"Webhook-Id: msg_1", "Webhook-Signature: v1," + right}, errTime},
		{"standard, seventeen signatures", "standard", at, append(hook, "Webhook-Signature: "+strings.Repeat("v1,AAAA ", 16)+"v1,"+right), errMalformed},
		{"standard, a symmetric signature that says it is asymmetric", "standard", at, append(hook, "Webhook-Signature: v1a,"+right), errWrong},
	} {
		t.Run(c.name, func(t *testing.T) {
			with := key
			if c.scheme == "standard" {
				with = standard
			}
			v := verifier(t, Config{Scheme: c.scheme, Secrets: secrets(with)})
			if err := v.Verify(call(c.now, "", body, c.fields...)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// Keys of Ed25519: Standard Webhooks' v1a, and one of a sender that is told.
func TestEd25519(t *testing.T) {
	private := ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	public := private.Public().(ed25519.PublicKey)
	const body = `{"type":"x"}`
	t.Run("v1a", func(t *testing.T) {
		sig := base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte("msg_1.1700000000."+body)))
		c := call(1700000000, "", body, "Webhook-Id: msg_1", "Webhook-Timestamp: 1700000000", "Webhook-Signature: v1a,"+sig)
		v := verifier(t, Config{Scheme: "standard", Secrets: secrets("whpk_" + base64.StdEncoding.EncodeToString(public))})
		if err := v.Verify(c); err != nil {
			t.Error(err)
		}
		c.Header.Set("Webhook-Signature", "v1,"+sig)
		if v.Verify(c) == nil {
			t.Error("accepted as v1")
		}
	})
	t.Run("as Discord signs", func(t *testing.T) {
		sig := hex.EncodeToString(ed25519.Sign(private, []byte("1700000000"+body)))
		v := verifier(t, Config{Scheme: "ed25519", Secrets: secrets(hex.EncodeToString(public))})
		c := call(1700000000, "", body, "X-Signature-Timestamp: 1700000000", "X-Signature-Ed25519: "+sig)
		if err := v.Verify(c); err != nil {
			t.Error(err)
		}
		c.Time = c.Time.Add(301 * time.Second)
		if !errors.Is(v.Verify(c), errOld) {
			t.Error("accepted 301 s later")
		}
	})
}

// A sender that is told.
func TestCustom(t *testing.T) {
	custom := Custom{Signature: "X-Acme-Signature", Prefix: "v=", Encoding: "base64", Timestamp: "X-Acme-Time", ID: "X-Acme-Id", Signed: "{id}:{timestamp}:{body}"}
	v := verifier(t, Config{Scheme: "hmac", Secrets: secrets("a good secret"), Custom: custom})
	c := call(1700000000, "", "body", "X-Acme-Time: 1700000000", "X-Acme-Id: 7",
		"X-Acme-Signature: v="+base64.StdEncoding.EncodeToString(mac("a good secret", "7:1700000000:body")))
	if err := v.Verify(c); err != nil {
		t.Error(err)
	}
	if a, b := v.Name("acme", c), Named("acme", "7"); a != b {
		t.Errorf("named %s, want %s", a, b)
	}
}

// TestAmbiguousIDs are calls whose signature is right, and is that of another id with another body as well.
func TestAmbiguousIDs(t *testing.T) {
	const key = "a good secret"
	for _, c := range []struct {
		signed, id, body string
		want             error
	}{
		{"{id}.{timestamp}.{body}", "msg_1", "{}", nil},
		{"{id}.{timestamp}.{body}", "msg.1a", "{}", nil}, // 1a is no time
		{"{id}.{timestamp}.{body}", "1700000000", "{}", nil},
		{"{id}.{timestamp}.{body}", "msg_1.1600000000", "{}", errAmbiguous},  // msg_1, of then, with another body
		{"{id}.{timestamp}.{body}", "msg_1.1600000000.{", "}", errAmbiguous}, // the same, whose body had this time in it
		{"{id}.{timestamp}.{body}", ".1600000000", "{}", errAmbiguous},       // no id, of then
		{"{id}.{timestamp}.{body}", "a.b.1", "{}", errAmbiguous},             // as above
		{"{id}:{timestamp}.{body}", "msg_1.1600000000", "{}", nil},           // a full stop divides nothing here
		{"{timestamp}.{id}.{body}", "msg_1", "a.{}", nil},                    //
		{"{timestamp}.{id}.{body}", "msg_1.a", "{}", errAmbiguous},           // msg_1, with the body a.{}
		{"{timestamp}.{body}.{id}", "a.msg_1", "{}", errAmbiguous},           // msg_1, with the body {}.a
		{"{id}.{timestamp}.{body}.{id}", "msg_1", "{}", nil},                 // twice: the first is looked at
		{"{timestamp}{id}{body}", "msg_1", "{}", nil},                        // where nothing divides, there is no telling
	} {
		v := verifier(t, Config{Scheme: "hmac", Secrets: secrets(key), Custom: Custom{Timestamp: "X-Time", ID: "X-Id", Signed: c.signed}})
		text := strings.NewReplacer("{id}", c.id, "{timestamp}", "1700000000", "{body}", c.body).Replace(c.signed)
		err := v.Verify(call(1700000000, "", c.body, "X-Time: 1700000000", "X-Id: "+c.id, "X-Signature: "+hex.EncodeToString(mac(key, text))))
		if !errors.Is(err, c.want) {
			t.Errorf("%s of %q and %q: got %v, want %v", c.signed, c.id, c.body, err, c.want)
		}
	}
	paypal := schemes["paypal"]
	for id, want := range map[string]bool{"69cd13f0-d67a-11e5-baa3-778b53f4ae55": false, "a|b": false, "a|2026-02-18T20:01:35Z": true} {
		if paypal.ambiguous(id) != want {
			t.Errorf("PayPal's %q: want %v", id, want)
		}
	}
}

// What cannot be verified is refused when the configuration loads, and no secret is in what is said of it.
func TestMistakes(t *testing.T) {
	for want, c := range map[string]Config{
		`there is no scheme "strip"`:              {Scheme: "strip", Secrets: secrets("long enough")},
		"1 to 8 secrets are needed":               {Scheme: "stripe"},
		"secret 1: a secret has at least 5 bytes": {Scheme: "stripe", Secrets: secrets("four")},
		"secret 1: a secret of Standard Webhooks is whsec_ and base64 of 24 to 64 bytes":              {Scheme: "standard", Secrets: secrets("whsec_AAAA")},
		"paypal needs the id that it gave the endpoint":                                               {Scheme: "paypal", Secrets: secrets("x")},
		"stripe gives endpoints no id":                                                                {Scheme: "stripe", Secrets: secrets("long enough"), WebhookID: "x"},
		"signed: the body must be part of what is signed: {body}":                                     {Scheme: "hmac", Secrets: secrets("long enough"), Custom: Custom{Signed: "x"}},
		"signed names {timestamp}, and timestamp names no header field that has it":                   {Scheme: "hmac", Secrets: secrets("long enough"), Custom: Custom{Signed: "{timestamp}{body}"}},
		"timestamp: a time that is not signed proves nothing; signed must name {timestamp}":           {Scheme: "hmac", Secrets: secrets("long enough"), Custom: Custom{Timestamp: "X-Time"}},
		"what stripe signs, and where its signature stands, is known; only hmac and ed25519 are told": {Scheme: "stripe", Secrets: secrets("long enough"), Custom: Custom{Prefix: "x"}},
	} {
		if _, err := New(c); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, kind string
		want          bool
	}{
		{"*", "", true}, {"a.b", "a.b", true}, {"a.b", "a.bc", false}, {"a.*", "a.b.c", true}, {"a.*", "b.a.", false},
		{"*.created", "customer.created", true}, {"*.created", "customer.created.x", false}, {"a*b*c", "aXbXc", true}, {"a*b*c", "acb", false},
		{"a*a", "a", false},
	} {
		if got := Matches(c.pattern, c.kind); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.kind, got)
		}
	}
}

func TestKindsAndNames(t *testing.T) {
	for _, c := range []struct {
		scheme     string
		call       Call
		kind, name string
	}{
		{"stripe", call(0, "", `{"id":"evt_1","type":"charge.succeeded"}`), "charge.succeeded", Named("x", "evt_1")},
		{"github", call(0, "", `{"action":"opened"}`, "X-Github-Event: pull_request", "X-Github-Delivery: d"), "pull_request.opened", Named("x", "d")},
		{"github", call(0, "", `Hello`, "X-Github-Event: push", "X-Github-Delivery: d"), "push", Named("x", "d")},
		{"slack", call(0, "", `{"type":"event_callback","event_id":"Ev1","event":{"type":"message"}}`), "message", Named("x", "Ev1")},
		{"shopify", call(0, "", `{}`, "X-Shopify-Topic: orders/create", "X-Shopify-Webhook-Id: w"), "orders/create", Named("x", "w")},
		{"standard", call(0, "", `{"type":"a.b"}`, "Webhook-Id: msg_1"), "a.b", "msg_1"},
		{"standard", call(0, "", `{"type":"a.b"}`, "Webhook-Id: not/plain"), "a.b", Named("x", "not/plain")},
		{"twilio", call(0, "", `a=b`, "X-Twilio-Signature: s"), "", Named("x", "s")},
		{"stripe", call(0, "", `{"id":"evt\n1","type":7}`, "Stripe-Signature: s"), "", Named("x", "s")},
	} {
		v := &Verifier{scheme: schemes[c.scheme]}
		if kind, name := v.Kind(c.call), v.Name("x", c.call); kind != c.kind || name != c.name {
			t.Errorf("%s %s: kind %q and name %q, want %q and %q", c.scheme, c.call.Body, kind, name, c.kind, c.name)
		}
	}
	if answer, ok := (&Verifier{scheme: schemes["slack"]}).Challenge(call(0, "", `{"type":"url_verification","challenge":"3eZbrw1a"}`)); !ok || answer != "3eZbrw1a" {
		t.Errorf("answered %q", answer)
	}
}

// What is signed for a service, the receiver of Standard Webhooks accepts.
func TestSign(t *testing.T) {
	text := secret.New("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	s, err := NewSigner(text)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`)), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("t=1,v1=00", "1", "{}")
	f.Add("v1,AAAA v1a,AAAA", "1700000000", `{"type":"x"}`)
	f.Add("sha256=00", "", "")
	var all []*Verifier
	for _, c := range []Config{
		{Scheme: "stripe", Secrets: secrets("a good secret")}, {Scheme: "github", Secrets: secrets("a good secret")},
		{Scheme: "slack", Secrets: secrets("a good secret")}, {Scheme: "twilio", Secrets: secrets("a good secret")},
		{Scheme: "standard", Secrets: secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")},
	} {
		v, err := New(c)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, v)
	}
	f.Fuzz(func(t *testing.T, field, stamp, body string) {
		for _, v := range all {
			h := http.Header{v.scheme.signature: {field}, "Webhook-Id": {"x"}, "Content-Type": {"application/x-www-form-urlencoded"}}
			if v.scheme.timestamp != "" {
				h[v.scheme.timestamp] = []string{stamp}
			}
			c := Call{Header: h, URL: "https://x/" + stamp, Body: []byte(body), Time: time.Unix(1700000000, 0)}
			if v.Verify(c) == nil {
				t.Errorf("%q is accepted", field)
			}
			v.Kind(c)
			v.Name("x", c)
			v.Challenge(c)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	const body = `{"id":"evt_1","type":"charge.succeeded"}`
	text := strings.Repeat(" ", 2000) + body
	v, err := New(Config{Scheme: "stripe", Secrets: secrets("a good secret")})
	if err != nil {
		b.Fatal(err)
	}
	c := call(1700000000, "", text, "Stripe-Signature: t=1700000000,v1="+hex.EncodeToString(mac("a good secret", "1700000000."+text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Verify(c); err != nil {
			b.Fatal(err)
		}
	}
}
