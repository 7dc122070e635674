package attacks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/dpop/dpoptest"
)

// changed says how a proof of possession differs from a good one, as «proof {"claims":{"htm":"POST"}}» tells it.
type changed struct {
	Header json.RawMessage // members to replace, or to take away by null; a text stands for the whole header
	Claims map[string]any  // likewise
	Key    string          // "stranger": all of the proof is a stranger's
	Signed string          // by another than the key that the proof shows: "stranger", "none", or "hmac" with the public key as the secret
	Token  string          // that it is for, where that is not the case's
	Path   string          // that it is for, where that is not /holders
}

func init() {
	// «bound» is the manager's token, bound to the caller's key: the same one throughout a case.
	known["bound"] = func(v *values, _ string) string {
		if v.bound == "" {
			v.bound = v.token("", fmt.Sprintf(`+{"cnf":{"jkt":%q}}`, v.g.secrets.holder.Thumbprint(v.g.t)), "")
			v.g.secrets.keep(fmt.Sprintf("token %d, bound", len(v.g.secrets.kinds)), v.bound[strings.LastIndexByte(v.bound, '.')+1:])
		}
		return v.bound
	}
	known["proof"] = func(v *values, argument string) string {
		var c changed
		if argument != "" {
			if err := json.Unmarshal([]byte(argument), &c); err != nil {
				panic(fmt.Sprintf("%s: %v", argument, err))
			}
		}
		return v.proof(c)
	}
	known["coordinate"] = func(v *values, name string) string { return fmt.Sprint(v.g.secrets.holder.JWK[name]) }
	conversations["thrice"] = thrice
}

// proof makes a proof of possession for GET /holders and the case's token.
func (v *values) proof(c changed) string {
	s := v.g.secrets
	key := s.holder
	if c.Key == "stranger" {
		key = s.others["ES256"]
	}
	if c.Token == "" {
		c.Token = known["bound"](v, "")
	}
	if c.Path == "" {
		c.Path = "/holders"
	}
	var header, payload string
	made := key.Proof(s.t, "GET", "https://"+v.host+c.Path, c.Token, time.Now(), func(head, claims map[string]any) {
		header, payload = replaced(head, c.Header), replaced(claims, marshalled(c.Claims))
	})
	if c.Signed == "" && c.Header == nil && c.Claims == nil {
		return made
	}
	input := dpoptest.Encode([]byte(header)) + "." + dpoptest.Encode([]byte(payload))
	switch c.Signed {
	case "none":
		return input + "."
	case "hmac":
		mac := hmac.New(sha256.New, marshalled(key.JWK))
		mac.Write([]byte(input))
		return input + "." + dpoptest.Encode(mac.Sum(nil))
	case "stranger":
		key = s.others["ES256"]
	}
	return key.Sign(s.t, header, payload)
}

// replaced gives an object whose members are replaced, or the text that stands in its place.
func replaced(object map[string]any, by json.RawMessage) string {
	var text string
	if json.Unmarshal(by, &text) == nil && text != "" {
		return text
	}
	changes := map[string]any{}
	if len(by) > 0 {
		if err := json.Unmarshal(by, &changes); err != nil {
			panic(err)
		}
	}
	for name, value := range changes {
		if object[name] = value; value == nil {
			delete(object, name)
		}
	}
	return string(marshalled(object))
}

func marshalled(value any) json.RawMessage {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return raw
}

// thrice sends the same request, to the byte, over HTTP/1.1, HTTP/2 and HTTP/3.
func thrice(to door, v *values, argument string) []answer {
	r := v.parse(strings.TrimSpace(argument), "")
	return []answer{to.http1(r.http1(to.host()), 1)[0], to.http2(r.frames(to.host()))[0], to.http3(r.frames(to.host()))[0]}
}
