package attacks

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/dpop/dpoptest"
	"github.com/wicketgate/wicketgate/internal/identity"
)

// secrets are all that the gateway must never tell, each of a kind and for itself alone: who sees one knows what was told.
type secrets struct {
	t       testing.TB
	kinds   map[string]string        // by what it is
	keys    map[string]*identity.Key // of API keys, by consumer
	printed map[string]string        // API keys as their owners have them, by consumer
	signers map[string]*dpoptest.Key // of the issuer, by algorithm
	others  map[string]*dpoptest.Key // of nobody that the gateway knows
	forms   map[string][][]byte      // of the kinds: as they are looked for
}

// make makes one of 40 letters and digits.
func (s *secrets) make(kind string) string {
	secret := "cnry" + rand.Text() + rand.Text()[:10]
	s.keep(kind, secret)
	return secret
}

// keep has one looked for from now on: as it is, escaped, in hexadecimal digits, and in base64 at any offset.
func (s *secrets) keep(kind, secret string) {
	s.kinds[kind] = secret
	forms := []string{secret, hex.EncodeToString([]byte(secret)), url.QueryEscape(secret)}
	for skip := range 3 { // what stands before it moves it
		encoded := base64.StdEncoding.EncodeToString([]byte(secret[skip:]))
		forms = append(forms, encoded[:len(encoded)/4*4-4])
	}
	slices.Sort(forms)
	s.forms[kind] = nil
	for _, form := range slices.Compact(forms) {
		s.forms[kind] = append(s.forms[kind], []byte(form))
	}
}

// in says which a text shows.
func (s *secrets) in(text []byte) (shown []string) {
	for kind, forms := range s.forms {
		for _, form := range forms {
			if i := bytes.Index(text, form); i >= 0 {
				shown = append(shown, fmt.Sprintf("%s: %q", kind, text[max(0, i-160):min(len(text), i+len(form)+40)]))
				break
			}
		}
	}
	return shown
}

// TestSecretsAreSeen shows that one is found in whichever form it stands.
func TestSecretsAreSeen(t *testing.T) {
	s := &secrets{kinds: map[string]string{}, forms: map[string][][]byte{}}
	secret := s.make("it")
	for _, text := range []string{
		secret, "key=" + secret + "&", hex.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte("ada:" + secret)),
		base64.RawURLEncoding.EncodeToString([]byte("user:" + secret + ":")),
	} {
		if len(s.in([]byte(text))) != 1 {
			t.Errorf("it is not seen in %s", text)
		}
	}
	if shown := s.in([]byte(secret[:20])); len(shown) > 0 {
		t.Errorf("a part passes for the whole: %q", shown)
	}
}

// inEnvironment are those that the gateway is given in its environment. The last is of no use to it: it is what placeholders in
// requests ask for.
var inEnvironment = []string{"INTROSPECTION", "BEARER", "HOOK", "NOBODY"}

func newSecrets(t testing.TB) *secrets {
	t.Helper()
	s := &secrets{t: t, kinds: map[string]string{}, forms: map[string][][]byte{}, keys: map[string]*identity.Key{}, printed: map[string]string{}, signers: map[string]*dpoptest.Key{}, others: map[string]*dpoptest.Key{}}
	for _, consumer := range []string{"acme", "globex"} {
		key := &identity.Key{Consumer: consumer}
		printed, err := identity.NewKey(key)
		if err != nil {
			t.Fatal(err)
		}
		s.keys[consumer], s.printed[consumer] = key, printed
		s.keep("API key of "+consumer, printed[len("wg_")+12+1:])
	}
	for _, alg := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
		s.signers[alg] = dpoptest.New(t, alg)
	}
	s.others["ES256"] = dpoptest.New(t, "ES256")
	for _, kind := range append(inEnvironment, "HMAC key of tokens", "error of the service", "error of a third party", "what a policy hides") {
		s.make(kind)
	}
	return s
}

// environment is what the gateway is given besides its ports.
func (s *secrets) environment() []string {
	var all []string
	for _, name := range inEnvironment {
		all = append(all, "ATTACKED_"+name+"="+s.kinds[name])
	}
	return all
}

// files are those of keys.
func (s *secrets) files(*gateway) map[string][]byte {
	var keys []string
	for _, key := range s.keys {
		keys = append(keys, key.Line())
	}
	var set []map[string]any
	for alg, key := range s.signers {
		key.JWK["kid"], key.JWK["alg"], key.JWK["use"] = alg, alg, "sig"
		set = append(set, key.JWK)
	}
	staff, err := json.Marshal(map[string]any{"keys": set})
	if err != nil {
		s.t.Fatal(err)
	}
	return map[string][]byte{
		"partners.keys": []byte(strings.Join(keys, "\n") + "\n"),
		"staff.json":    staff,
	}
}

// serve answers as the service behind the gateway: well, or badly where the path says so, and then with a secret in its words.
func (s *secrets) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "-fails"):
		w.Header().Set("X-Error", s.kinds["error of the service"])
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `{"error":%q}`, s.kinds["error of the service"])
	case strings.HasSuffix(r.URL.Path, "-breaks"):
		panic(http.ErrAbortHandler)
	default:
		io.WriteString(w, `{"data":[]}`) //nolint:errcheck // the gateway may have gone away
	}
}

// third answers as a third party.
func (s *secrets) third(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"data":[]}`) //nolint:errcheck // the gateway may have gone away
}
