package webhook

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"
)

const slackBody = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"

const twilioBody = "CallSid=CA1234567890ABCDE&Caller=%2B14158675310&Digits=1234&From=%2B14158675310&To=%2B18005551212"

// What the senders themselves publish, in their documentation or in the tests of their libraries, is accepted as it
// stands there, and is no longer with a byte of it changed. Stripe's and Shopify's documentation has no call with its
// secret, nor has that of Standard Webhooks one that is signed with a key of Ed25519. Discord publishes none at all:
// its algorithm stands for it.
func TestPublished(t *testing.T) {
	for _, c := range []struct {
		name   string
		config Config
		call   Call
	}{
		{"github: docs, Validating webhook deliveries", Config{Scheme: "github", Secrets: secrets("It's a Secret to Everybody")},
			call(0, "", "Hello, World!", "X-Hub-Signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")},
		{"slack: docs, Verifying requests from Slack", Config{Scheme: "slack", Secrets: secrets("8f742231b10e8888abcd99yyyzzz85a5")},
			call(1531420618, "", slackBody, "X-Slack-Request-Timestamp: 1531420618",
				"X-Slack-Signature: v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")},
		{"twilio: docs, Validating signatures", Config{Scheme: "twilio", Secrets: secrets("12345")},
			call(0, "https://mycompany.com/myapp.php?foo=1&bar=2", twilioBody, "Content-Type: application/x-www-form-urlencoded",
				"X-Twilio-Signature: GvWf1cFY/Q7PnoempGyD5oXAezc=")},
		{"standard: tests of its libraries", Config{Scheme: "standard", Secrets: secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")},
			call(1614265330, "", `{"test": 2432232314}`, "Webhook-Id: msg_p5jXN8AQM9LWM0D4loKWxJek", "Webhook-Timestamp: 1614265330",
				"Webhook-Signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")},
		{"standard, v1a: tests of Svix, who wrote the specification", Config{Scheme: "standard", Secrets: secrets("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")},
			call(1614265330, "", `{"test": 2432232314}`, "Webhook-Id: msg_p5jXN8AQM9LWM0D4loKWxJek", "Webhook-Timestamp: 1614265330",
				"Webhook-Signature: v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==")},
		{"stripe: tests of stripe-dotnet", Config{Scheme: "stripe", Secrets: secrets("webhook_secret")},
			call(1533204720, "", read(t, "stripe.json"),
				"Stripe-Signature: t=1533204620,v1=2220f87ef101a04665f11cdf770523143f875572008577fa0f20882ddb9cc3c7,v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef")},
		{"shopify: tests of shopify-app-js", Config{Scheme: "shopify", Secrets: secrets("test_secret_key")},
			call(0, "", `{"foo": "bar"}`, "X-Shopify-Hmac-Sha256: B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g=")},
		{"paypal: a call of its sandbox, in the tests of PayPal-Java-SDK", Config{Scheme: "paypal", Secrets: secrets(read(t, "paypal.pem")), WebhookID: "0FV983392A0531201"},
			call(1567075773, "", read(t, "paypal.json"), "Paypal-Auth-Algo: SHA256withRSA", "Paypal-Transmission-Id: afa30d40-ca4a-11e9-ab68-7d4e2605c70c",
				"Paypal-Transmission-Time: 2019-08-29T10:49:33Z", "Paypal-Cert-Url: https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270",
				"Paypal-Transmission-Sig: K7DF5+hOyGS6v0xTZ9PkEO+BFNQmpryxw2hFlXbHgmxpu+883ldEC9HcL6ccEmB8sfy80y/Q3qcZZL1MR8Qi0e1ysylVj/yROgKK6zBsQPoNmgXC8yTiNoAjULuhk5Aoau0Itk3nrkgAfji1zvADlErMFM9VZe2nDvhM3nDMLjCi/K5fRjWp3eGo6Nx17GX/WIEibeKDyS+YdJMex3i+KO4aWmm9zznC/FJ5Y/ntd0MxOJNrM0r0f3y7c3e3sO5pB3oPgN6KzKVS5P6AWHqtS8acD3DjgCKZ1uqKz7q954G1aBz2/m0wRGOFFsv0/D3FE2uIheRRmoQtVSOAX7Aupg==")},
		{"ed25519: RFC 8032, section 7.1, test 3", Config{Scheme: "ed25519", Custom: Custom{Signed: "{body}", Signature: "X-Signature"},
			Secrets: secrets("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")},
			call(0, "", "\xaf\x82", "X-Signature: 6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := verifier(t, c.config)
			if err := v.Verify(c.call); err != nil {
				t.Fatalf("refused: %v", err)
			}
			changed := c.call
			changed.Body = append([]byte(nil), c.call.Body...)
			changed.Body[len(changed.Body)/2] ^= 1
			if v.Verify(changed) == nil {
				t.Error("a changed body is accepted")
			}
			changed.Body = append(append([]byte(nil), c.call.Body...), ' ')
			if v.Verify(changed) == nil {
				t.Error("a body with a space behind it is accepted")
			}
			late := c.call
			if late.Time = late.Time.Add(time.Hour); v.Verify(late) == nil != (c.call.Time.Unix() == 0) { // 0 where none is signed
				t.Errorf("an hour later: %v", v.Verify(late))
			}
			other := c.config
			other.Secrets = secrets(stranger(t, c.config.Scheme))
			if verifier(t, other).Verify(c.call) == nil {
				t.Error("signed with another secret, and accepted")
			}
			other.Secrets = append(other.Secrets, c.config.Secrets...)
			if err := verifier(t, other).Verify(c.call); err != nil {
				t.Errorf("refused while a secret is rotated: %v", err)
			}
		})
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// stranger is a secret of another than who signed.
func stranger(t *testing.T, scheme string) string {
	t.Helper()
	switch scheme {
	case "ed25519":
		return hex.EncodeToString(ed25519.NewKeyFromSeed([]byte("another key that has 32 bytes ..")).Public().(ed25519.PublicKey))
	case "paypal":
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(1)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte("another secret of 32 bytes length"))
}
