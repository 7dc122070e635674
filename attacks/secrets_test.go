package attacks

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

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
	devices *authority               // of certificates that are taken
	sender  *dpoptest.Key            // who signs webhooks
	holder  *dpoptest.Key            // to whom bound tokens are issued
	service string                   // where the service is
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
	s.holder = dpoptest.New(t, "ES256")
	s.others["ES256"], s.sender, s.devices = dpoptest.New(t, "ES256"), dpoptest.New(t, "EdDSA"), newAuthority(t, "Shop Devices")
	for _, kind := range append(inEnvironment, "HMAC key of tokens", "secret of Standard Webhooks", "error of the service", "error of a third party", "what a policy hides") {
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

// files are those of keys and secrets.
func (s *secrets) files(g *gateway) map[string][]byte {
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
	certificate := func(raw []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}) }
	public, ok := s.sender.Public().(ed25519.PublicKey)
	if !ok {
		s.t.Fatal("the sender has another key")
	}
	return map[string][]byte{
		"partners.keys":   []byte(strings.Join(keys, "\n") + "\n"),
		"staff.json":      staff,
		"legacy.json":     fmt.Appendf(nil, `{"keys":[{"kty":"oct","kid":"legacy","alg":"HS256","k":%q}]}`, dpoptest.Encode(s.text("secret"))),
		"third.pem":       certificate(g.third.Certificate().Raw),
		"devices.pem":     certificate(s.devices.certificate.Raw),
		"standard.secret": []byte("whsec_" + base64.StdEncoding.EncodeToString([]byte(s.kinds["secret of Standard Webhooks"]))),
		"public.key":      []byte(hex.EncodeToString(public)),
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
	case strings.HasSuffix(r.URL.Path, "-waits"): // until its caller goes away
		<-r.Context().Done()
	case strings.HasSuffix(r.URL.Path, "-talks"): // another protocol, which gives back what it gets
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()                                                                                            //nolint:errcheck // the caller tells
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n") //nolint:errcheck // the caller tells
		io.Copy(c, rw)                                                                                             //nolint:errcheck // the caller tells
	default:
		io.WriteString(w, `{"data":[]}`) //nolint:errcheck // the gateway may have gone away
	}
}

// third answers as a third party, which issued the tokens of apps, too.
func (s *secrets) third(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	leak := s.kinds["error of a third party"]
	switch {
	case r.URL.Path == "/introspect":
		token := r.FormValue("token")
		switch { // by what it ends in, after which «introspected …» is named
		case strings.HasSuffix(token, "-good"):
			fmt.Fprintf(w, `{"active":true,"sub":"ada","aud":"apps","scope":"orders:read","exp":%d}`, time.Now().Unix()+600)
		case strings.HasSuffix(token, "-text"):
			fmt.Fprintf(w, `{"active":"true","sub":"ada","aud":"apps","scope":"orders:read"}`)
		case strings.HasSuffix(token, "-audience"):
			fmt.Fprintf(w, `{"active":true,"sub":"ada","aud":"others","scope":"orders:read"}`)
		case strings.HasSuffix(token, "-scope"):
			fmt.Fprintf(w, `{"active":true,"sub":"ada","aud":"apps","scope":"orders:write"}`)
		case strings.HasSuffix(token, "-expired"):
			fmt.Fprintf(w, `{"active":true,"sub":"ada","aud":"apps","scope":"orders:read","exp":1}`)
		case strings.HasSuffix(token, "-twice"):
			fmt.Fprintf(w, `{"active":false,"active":true,"sub":"ada","aud":"apps","scope":"orders:read"}`)
		case strings.HasSuffix(token, "-endless"):
			fmt.Fprintf(w, `{"active":true,"sub":"ada","aud":"apps","scope":"orders:read","x":%q}`, strings.Repeat(leak, 100_000/len(leak)))
		case strings.HasSuffix(token, "-fails"):
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, leak+token) //nolint:errcheck // the gateway may have gone away
		default:
			io.WriteString(w, `{"active":false}`) //nolint:errcheck // the gateway may have gone away
		}
	case strings.HasSuffix(r.URL.Path, "-fails"):
		w.Header().Set("X-Error", leak)
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `{"error":%q,"you":%q}`, leak, r.Header.Get("Authorization"))
	case strings.HasSuffix(r.URL.Path, "-away"): // to the service, which only the gateway may ask
		http.Redirect(w, r, s.service+"/api/orders", http.StatusTemporaryRedirect)
	case strings.HasSuffix(r.URL.Path, "-home"):
		http.Redirect(w, r, "https://localhost"+r.Host[strings.LastIndexByte(r.Host, ':'):]+"/v1/things/1", http.StatusTemporaryRedirect)
	case strings.HasSuffix(r.URL.Path, "-metadata"):
		http.Redirect(w, r, "https://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect)
	case strings.HasSuffix(r.URL.Path, "-file"):
		http.Redirect(w, r, "file:///etc/passwd", http.StatusTemporaryRedirect)
	case strings.HasSuffix(r.URL.Path, "-fields"):
		for _, name := range []string{"Set-Cookie", "X-Consumer-Id", "Access-Control-Allow-Origin", "Strict-Transport-Security", "Upgrade", "Keep-Alive", "Proxy-Authenticate", "Location"} {
			w.Header().Set(name, leak)
		}
		io.WriteString(w, `{"data":[]}`) //nolint:errcheck // the gateway may have gone away
	case strings.HasSuffix(r.URL.Path, "-unauthorized"):
		w.Header().Set("WWW-Authenticate", "Bearer "+leak)
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, leak) //nolint:errcheck // the gateway may have gone away
	default:
		io.WriteString(w, `{"data":[]}`) //nolint:errcheck // the gateway may have gone away
	}
}
