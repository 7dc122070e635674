package attacks

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/dpop/dpoptest"
)

// goodHeader is a token's unless it has another.
const goodHeader = `{"alg":"ES256","kid":"ES256","typ":"JWT"}`

// claims are those of a good token, changed as told: {"aud":"other"} behind a + replaces members, or takes them off by null. A
// text without a + is taken as it is.
func claims(text string) string {
	changes, ok := strings.CutPrefix(text, "+")
	if !ok && text != "" {
		return text
	}
	now := time.Now().Unix()
	all := map[string]any{"iss": "https://id.shop.example", "aud": "orders", "sub": "grace", "role": "manager", "iat": now, "nbf": now, "exp": now + 600}
	if changes != "" {
		replaced := map[string]any{}
		if err := json.Unmarshal([]byte(changes), &replaced); err != nil {
			panic(fmt.Sprintf("%s: %v", text, err))
		}
		for name, value := range replaced {
			if all[name] = value; value == nil {
				delete(all, name)
			}
		}
	}
	raw, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// token makes one of a header, claims and whoever signs: the issuer's key of an algorithm, "stranger" whom nobody knows,
// "hmac …" by one of the texts below, or "none", which leaves the signature empty; "= …" is a signature as it stands.
func (v *values) token(header, told, signed string) string {
	if header == "" {
		header = goodHeader
	}
	if signed == "" {
		signed = "ES256"
	}
	s := v.g.secrets
	payload := claims(told)
	input := dpoptest.Encode([]byte(header)) + "." + dpoptest.Encode([]byte(payload))
	how, what, _ := strings.Cut(signed, " ")
	switch how {
	case "none":
		return input + "."
	case "=":
		return input + "." + what
	case "stranger":
		return s.others["ES256"].Sign(s.t, header, payload)
	case "hmac":
		mac := hmac.New(sha256.New, s.text(what))
		mac.Write([]byte(input))
		return input + "." + dpoptest.Encode(mac.Sum(nil))
	}
	return s.signers[how].Sign(s.t, header, payload)
}

// text is what somebody may take for a secret: the issuer's, or a form of a public key of its.
func (s *secrets) text(name string) []byte {
	form, alg, _ := strings.Cut(name, " of ")
	switch form {
	case "secret":
		return []byte(s.kinds["HMAC key of tokens"])
	case "nothing":
		return nil
	case "guess":
		return []byte("secret")
	}
	key := s.signers[alg]
	switch form {
	case "pem":
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der(key)})
	case "trimmed":
		return []byte(strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der(key)}))))
	case "der":
		return der(key)
	case "jwk":
		raw, err := json.Marshal(key.JWK)
		if err != nil {
			s.t.Fatal(err)
		}
		return raw
	case "n", "x":
		raw, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(key.JWK[form]))
		if err != nil {
			s.t.Fatal(err)
		}
		return raw
	}
	panic("there is no text " + name)
}

// der is a public key as most libraries take it.
func der(key *dpoptest.Key) []byte {
	raw, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	return raw
}

func init() {
	known["token"] = func(v *values, name string) string {
		told, ok := map[string]string{
			"manager": `+{}`, "clerk": `+{"sub":"ada","role":"clerk"}`, "acme": `+{"sub":"acme","role":"partner"}`,
		}[name]
		if !ok {
			panic("nobody has a token called " + name)
		}
		made := v.token("", told, "")
		v.g.secrets.keep(fmt.Sprintf("token %d, of %s", len(v.g.secrets.kinds), name), made[strings.LastIndexByte(made, '.')+1:])
		return made
	}
	known["jwk"] = func(v *values, who string) string {
		key := v.g.secrets.signers[who]
		if who == "stranger" {
			key = v.g.secrets.others["ES256"]
		}
		raw, err := json.Marshal(key.JWK)
		if err != nil {
			panic(err)
		}
		return string(raw)
	}
	known["b64"] = func(_ *values, text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	known["b64url"] = func(_ *values, text string) string { return dpoptest.Encode([]byte(text)) }
	known["hex"] = func(_ *values, text string) string { return hex.EncodeToString([]byte(text)) }
	known["now"] = func(_ *values, seconds string) string {
		at := time.Now().Unix()
		if seconds != "" {
			at += int64(integer(seconds))
		}
		return fmt.Sprint(at)
	}
	// «part 1 token» is a segment of a token; «without token» a token without its signature.
	known["part"] = func(_ *values, argument string) string {
		n, token, _ := strings.Cut(argument, " ")
		return strings.Split(token, ".")[integer(n)]
	}
	known["cut"] = func(_ *values, argument string) string {
		n, text, _ := strings.Cut(argument, " ")
		return text[:len(text)-integer(n)]
	}
	known["sloppy"] = func(_ *values, text string) string {
		const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		return text[:len(text)-1] + string(digits[strings.IndexByte(digits, text[len(text)-1])|1])
	}
	// «mixed» is Acme's key with the secret of Globex's.
	known["mixed"] = func(v *values, _ string) string {
		const secret = len("wg_") + 12 + 1
		body := v.g.secrets.printed["acme"][:secret] + v.g.secrets.printed["globex"][secret:secret+43]
		n, sum := crc32.ChecksumIEEE([]byte(body)), make([]byte, 6)
		for i := len(sum) - 1; i >= 0; i-- {
			sum[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[n%62]
			n /= 62
		}
		return body + string(sum)
	}
	known["upper"] = func(_ *values, text string) string { return strings.ToUpper(text) }
	known["flipped"] = func(_ *values, text string) string {
		last := text[len(text)-1]
		other := byte('A')
		if last == other {
			other = 'B'
		}
		return text[:len(text)-1] + string(other)
	}
}
