package wicketgate_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/dpop/dpoptest"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/otlptest"
)

// canaries are secrets of every kind, each of which stands for itself alone: who sees one knows where it came from.
type canaries map[string]string

// make makes one, of 40 letters and digits.
func (c canaries) make(kind string) string {
	c[kind] = "cnry" + rand.Text() + rand.Text()[:10]
	return c[kind]
}

// in says which of them a text shows, as they are, in base64 at any offset, or in hexadecimal digits.
func (c canaries) in(text []byte) (shown []string) {
	for kind, canary := range c {
		forms := []string{canary, hex.EncodeToString([]byte(canary)), url.QueryEscape(canary)}
		for skip := range 3 { // what stands before it moves it
			encoded := base64.StdEncoding.EncodeToString([]byte(canary[skip:]))
			forms = append(forms, encoded[:len(encoded)/4*4-4])
		}
		for _, form := range forms {
			if i := bytes.Index(text, []byte(form)); i >= 0 {
				shown = append(shown, fmt.Sprintf("%s: %q", kind, text[max(0, i-120):min(len(text), i+len(form)+20)]))
				break
			}
		}
	}
	return shown
}

// TestCanariesAreSeen shows that a secret is found in whichever form it stands.
func TestCanariesAreSeen(t *testing.T) {
	c := canaries{}
	canary := c.make("it")
	for _, text := range []string{
		canary, "key=" + canary + "&", hex.EncodeToString([]byte(canary)),
		base64.StdEncoding.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte("ada:" + canary)),
		base64.RawURLEncoding.EncodeToString([]byte("user:" + canary + ":")),
	} {
		if len(c.in([]byte(text))) != 1 {
			t.Errorf("it is not seen in %s", text)
		}
	}
	if shown := c.in([]byte(canary[:20])); len(shown) > 0 {
		t.Errorf("a part passes for the whole: %q", shown)
	}
}

// canaryThird is a third party that issues and introspects tokens, and is asked: it answers well, and badly where the path says
// so, and either way with secrets of its own in its words.
func canaryThird(t *testing.T, c canaries) *httptest.Server {
	leak, issued := c.make("error of a third party"), c.make("token that was issued")
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/introspect":
			token := r.FormValue("token")
			if strings.HasSuffix(token, "-fails") {
				w.WriteHeader(500)
				io.WriteString(w, leak+token)
				return
			}
			fmt.Fprintf(w, `{"active":%t,"sub":"ada"}`, strings.HasSuffix(token, "-good"))
		case r.URL.Path == "/token":
			fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, issued)
		case strings.HasSuffix(r.URL.Path, "/fails"):
			w.Header().Set("X-Error", leak)
			w.WriteHeader(500)
			fmt.Fprintf(w, `{"error":%q,"you":%q}`, leak, r.Header.Get("Authorization")+r.URL.RawQuery)
		case strings.HasSuffix(r.URL.Path, "/breaks"):
			panic(http.ErrAbortHandler)
		default:
			io.WriteString(w, `{"ok":true}`)
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// canaryService is the operator's service.
func canaryService(t *testing.T, c canaries) *httptest.Server {
	leak, hidden := c.make("error of the service"), c.make("field that a policy hides")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/fails"):
			w.Header().Set("X-Error", leak)
			w.WriteHeader(500)
			fmt.Fprintf(w, `{"error":%q}`, leak)
		case strings.HasSuffix(r.URL.Path, "/breaks"):
			panic(http.ErrAbortHandler)
		case r.Method == http.MethodPost:
			w.WriteHeader(201)
			io.WriteString(w, `{"ok":true}`)
		case strings.HasPrefix(r.URL.Path, "/alone/"): // where no policy hides anything
			io.WriteString(w, `{"ok":true}`)
		default:
			fmt.Fprintf(w, `{"ok":true,"hidden":%q}`, hidden)
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	return s
}

// canaried is a gateway with secrets of every kind.
type canaried struct {
	*running
	t      *testing.T
	c      canaries
	dir    string
	client *http.Client
	key    string
	jwt    func(claims map[string]any) string
	texts  map[string][]byte // what the gateway has told, by where
}

func startCanaries(t *testing.T) *canaried {
	c := canaries{}
	g := &canaried{t: t, c: c, dir: t.TempDir(), texts: map[string][]byte{}}
	third, service := canaryThird(t, c), canaryService(t, c)
	key := &identity.Key{Consumer: "acme"}
	var err error
	if g.key, err = identity.NewKey(key); err != nil {
		t.Fatal(err)
	}
	c["API key"] = g.key[len("wg_")+12+1:]
	hmacKey := c.make("HMAC key of tokens")
	g.jwt = func(claims map[string]any) string { return hs256(t, hmacKey, claims) }
	for name, text := range map[string]string{
		"shop.hcl": canaryCatalogue, "policies/canary.rego": canaryPolicy, "Caddyfile": canaryCaddyfile, "partners.keys": key.Line() + "\n",
		"staff.json": fmt.Sprintf(`{"keys":[{"kty":"oct","kid":"k","alg":"HS256","k":%q}]}`, base64.RawURLEncoding.EncodeToString([]byte(hmacKey))),
		"ca.pem":     string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: third.Certificate().Raw})),
		"order.json": `{"type":"object","properties":{"card":{"type":"string","maxLength":60},"amount":{"type":"integer"}},"required":["amount"],"additionalProperties":false}`,
		"logs/x":     "",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(g.dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		file, old := filepath.Join(g.dir, name), time.Now().Add(-time.Hour) // new ones would be loaded once more, soon after the start
		if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), os.Chtimes(file, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []string{"INTROSPECTION", "CLIENT", "BEARER", "PASSWORD", "PARAMETER", "SIGNING", "HOOK", "REDIS"} {
		t.Setenv("CANARY_"+kind, c.make("secret "+kind))
	}
	t.Setenv("CANARY_DELIVER", "whsec_"+base64.StdEncoding.EncodeToString([]byte(c.make("secret DELIVER"))))
	t.Setenv("CANARY_SERVICE", service.URL)
	t.Setenv("CANARY_THIRD", third.URL)
	t.Setenv("CANARY_LOGS", filepath.Join(g.dir, "logs"))
	g.running = start(t, build(t), filepath.Join(g.dir, "Caddyfile"))
	g.client = g.running.client(t)
	for end := time.Now().Add(20 * time.Second); !strings.Contains(g.status(), `"ledger":{"ready":true`); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the ledger is not open: %s", g.status())
		}
	}
	return g
}

// status is what the admin API says of how it goes.
func (g *canaried) status() string {
	res, err := http.Get(fmt.Sprintf("http://localhost:%d/api_gateway/status", g.admin))
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(text)
}

// hs256 signs a token with a shared key.
func hs256(t *testing.T, key string, claims map[string]any) string {
	all := map[string]any{"iss": "https://id.example", "aud": "shop", "sub": "ada", "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range claims {
		all[name] = value
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","kid":"k","typ":"JWT"}`)) + "." + encode(text)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

// ask sends a request, and keeps the answer as one of the texts.
func (g *canaried) ask(want int, method, path, body string, fields ...string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, fmt.Sprintf("https://localhost:%d%s", g.https, path), strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	res, err := g.client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || want != 0 && res.StatusCode != want {
		g.t.Errorf("%s %s: %d %s, want %d; %v", method, path, res.StatusCode, text, want, err)
	}
	name := fmt.Sprintf("answer %d to %s %s", len(g.texts), method, strings.SplitN(path, "?", 2)[0])
	g.texts[name] = append(fmt.Appendf(nil, "%v\n", res.Header), text...)
}

// drive sends good and failing requests with credentials of every kind.
func (g *canaried) drive() {
	key := "X-API-Key: " + g.key
	flipped := g.key[:len(g.key)-1] + map[bool]string{true: "1", false: "0"}[strings.HasSuffix(g.key, "0")]
	cookie := "Cookie: session=" + g.c.make("cookie")
	g.ask(200, "GET", "/shop/orders/1?page=1", "", key, cookie)
	g.ask(200, "GET", "/shop/orders/1?api_key="+g.key, "", cookie)
	g.ask(200, "GET", "/shop/orders/1", "", "Authorization: Bearer "+g.key)
	g.ask(401, "GET", "/shop/orders/1", "", "X-API-Key: "+flipped)
	g.ask(401, "GET", "/shop/orders/1?api_key="+flipped, "")
	g.ask(400, "GET", "/shop/orders/1", "", key, "Authorization: Bearer "+g.key)
	g.ask(400, "GET", "/shop/orders/1?api_key="+g.key+"&api_key="+g.key, "")
	g.ask(0, "GET", "/nowhere?api_key="+g.key, "", key, cookie)
	g.ask(0, "GET", "/shop/a%00b?api_key="+g.key, "", key, cookie)
	g.ask(403, "GET", "/shop/orders/denied?api_key="+g.key, "", cookie)
	g.ask(500, "GET", "/shop/orders/fails?api_key="+g.key, "", cookie)
	g.ask(502, "GET", "/shop/orders/breaks?api_key="+g.key, "", cookie)
	g.ask(401, "GET", "/shop/orders/1", "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("ada:"+g.c.make("basic password"))))

	good, bad := g.jwt(nil), g.jwt(map[string]any{"aud": "other"})
	old := g.jwt(map[string]any{"exp": 1})
	g.c["signature of a token"], g.c["signature of a wrong token"], g.c["signature of an old token"] = good[len(good)-40:], bad[len(bad)-40:], old[len(old)-40:]
	g.ask(200, "GET", "/shop/orders/1", "", "Authorization: Bearer "+good)
	g.ask(401, "GET", "/shop/orders/1", "", "Authorization: Bearer "+bad)
	g.ask(401, "GET", "/shop/orders/1", "", "Authorization: Bearer "+old)
	g.ask(0, "GET", "/shop/orders/1?access_token="+good, "", cookie)
	proofs := dpoptest.New(g.t, "ES256")
	bound := g.jwt(map[string]any{"cnf": map[string]any{"jkt": proofs.Thumbprint(g.t)}})
	address := fmt.Sprintf("https://localhost:%d/shop/orders/1", g.https)
	proof := proofs.Proof(g.t, "GET", address, bound, time.Now())
	wrong := proofs.Proof(g.t, "POST", address, bound, time.Now())
	g.c["proof"], g.c["wrong proof"], g.c["bound token"] = proof[len(proof)-40:], wrong[len(wrong)-40:], bound[len(bound)-40:]
	g.ask(200, "GET", "/shop/orders/1", "", "Authorization: DPoP "+bound, "DPoP: "+proof)
	g.ask(401, "GET", "/shop/orders/1", "", "Authorization: DPoP "+bound, "DPoP: "+wrong)
	g.ask(401, "GET", "/shop/orders/1", "", "Authorization: Bearer "+bound)
	for _, path := range []string{"/shop/orders/1", "/alone/1"} {
		opaque := g.c.make("opaque token for " + path)
		for suffix, status := range map[string]int{"-good": 200, "-unknown": 401, "-fails": 503} {
			g.ask(status, "GET", path, "", "Authorization: Bearer "+opaque+suffix)
		}
	}
	for _, kind := range []string{"token", "bearer", "basic", "query"} {
		g.ask(200, "GET", "/shop/"+kind+"/1", "", key)
		g.ask(0, "GET", "/shop/"+kind+"/fails", "", key)
		g.ask(0, "GET", "/shop/"+kind+"/breaks", "", key)
	}
	g.ask(502, "GET", "/shop/away", "", key)

	card := g.c.make("body field that is masked")
	post := func(status int, body string, fields ...string) {
		g.ask(status, "POST", "/shop/orders", body, append(fields, key, "Content-Type: application/json")...)
	}
	post(201, `{"amount":1,"card":"`+card+`"}`)
	post(201, `{"amount":1,"card":"`+card+`"}`, "Idempotency-Key: one")
	post(201, `{"amount":1,"card":"`+card+`"}`, "Idempotency-Key: one")
	post(422, `{"amount":2,"card":"`+card+`"}`, "Idempotency-Key: one")
	post(422, `{"amount":100,"card":"`+card+`"}`)
	post(422, `{"amount":"1","card":"`+card+`"}`)
	post(422, `{"amount":1,"other":1,"card":"`+card+card+`"}`)
	post(400, `{"amount":1,"card":"`+card)

	event := `{"id":"evt_1","type":"paid"}`
	for _, c := range []struct {
		secret string
		status int
	}{{g.c["secret HOOK"], 200}, {"wrong", 403}} {
		mac := hmac.New(sha256.New, []byte(c.secret))
		mac.Write([]byte(event))
		signature := hex.EncodeToString(mac.Sum(nil))
		g.ask(c.status, "POST", "/hooks/them", event, cookie, "X-Signature: "+signature, "Authorization: Bearer "+g.c["secret HOOK"])
	}
}

// command runs caddy with arguments, and keeps what it prints as one of the texts.
func (g *canaried) command(args ...string) {
	g.t.Helper()
	run := exec.CommandContext(g.t.Context(), g.binary, args...)
	run.Dir, run.Env = g.dir, g.env
	out, err := run.CombinedOutput()
	if err != nil || len(out) == 0 {
		g.t.Errorf("caddy %q: %v\n%s", args, err, out)
	}
	g.texts[fmt.Sprintf("output %d of caddy %s", len(g.texts), strings.Join(args[:min(len(args), 3)], " "))] = out
}

// administer asks the admin API, and keeps the answer.
func (g *canaried) administer(path, body string) {
	g.t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(g.t.Context(), method, fmt.Sprintf("http://localhost:%d%s", g.admin, path), strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		g.t.Errorf("%s: %d %s %v", path, res.StatusCode, text, err)
	}
	g.texts["admin "+method+" "+path+fmt.Sprint(len(g.texts))] = text
}

// explainLogged explains a request that both access logs have, from either.
func (g *canaried) explainLogged() {
	g.t.Helper()
	for _, log := range []string{"logs/own.log", "logs/access.log"} {
		id := loggedID.FindSubmatch(read(g.t, filepath.Join(g.dir, log)))
		if id == nil {
			g.t.Fatalf("%s has no request of acme's", log)
		}
		g.command("gateway", "explain", "--log", log, "--id", string(id[1]), "--config", "Caddyfile", "--json")
	}
}

// loggedID is the id of a request that was answered.
var loggedID = regexp.MustCompile(`"status":200,.*"request_id":"([^"]+)".*"consumer":"acme"`)

// TestCanaries gives a gateway secrets of every kind, sends it good and failing requests with credentials of every kind, and
// looks for each of them in all that the gateway says and keeps.
func TestCanaries(t *testing.T) {
	traces := otlptest.Start(t)
	g := startCanaries(t)
	g.drive()
	address := fmt.Sprintf("localhost:%d", g.admin)
	for _, path := range []string{"/config/", "/metrics", "/api_gateway/status", "/api_gateway/usage", "/api_gateway/webhooks?state=delivered", "/api_gateway/webhooks?state=pending", "/api_gateway/shadow", "/api_gateway/drift"} {
		g.administer(path, "")
	}
	tokens := []string{"X-API-Key: " + g.key, "Authorization: Bearer " + g.jwt(nil), "Authorization: Bearer " + g.c["opaque token for /alone/1"] + "-good", "Cookie: session=" + g.c["cookie"]}
	for i, field := range tokens[1:3] {
		g.c[fmt.Sprint("explained token ", i)] = field[len(field)-40:]
	}
	for _, field := range tokens {
		name, value, _ := strings.Cut(field, ": ")
		asked := fmt.Sprintf(`{"url":"/shop/orders/1?api_key=%s","header":[{"name":%q,"value":%q}]`, g.key, name, value)
		g.administer("/api_gateway/explain", asked+"}")
		g.administer("/api_gateway/explain", asked+`,"text":true}`)
		for _, how := range [][]string{{"--json"}, {"--color", "always"}, {"--running", "--address", address, "--json"}, {"--running", "--address", address}} {
			g.command(append([]string{"gateway", "explain", "/shop/orders/1", "-H", field, "--config", "Caddyfile"}, how...)...)
		}
	}
	for _, path := range []string{"/shop/token/1", "/shop/bearer/1", "/shop/basic/1", "/shop/query/1"} {
		g.command("gateway", "explain", path, "-H", "X-API-Key: "+g.key, "--config", "Caddyfile")
		g.command("gateway", "explain", path, "-H", "X-API-Key: "+g.key, "--config", "Caddyfile", "--json")
	}
	g.command("validate", "--config", "Caddyfile")
	g.command("adapt", "--config", "Caddyfile")
	g.command("gateway", "check", "--config", "Caddyfile")
	g.command("gateway", "openapi", "shop", "--config", "Caddyfile")
	g.command("gateway", "usage", "--address", address)
	g.command("gateway", "webhooks", "list", "--address", address)
	g.command("gateway", "keys", "list", "--file", "partners.keys")
	g.command("gateway", "keys", "list", "--file", "partners.keys", "--json")
	g.administer("/api_gateway/reload", "{}")

	g.stop()
	g.explainLogged()
	files := 0
	data := filepath.Dir(g.data)
	for _, folder := range []string{filepath.Join(g.dir, "logs"), filepath.Join(g.dir, "ledger"), data} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			g.texts["file "+strings.TrimPrefix(strings.TrimPrefix(path, g.dir), data)] = text
			files++
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	g.texts["traces"] = traces.Raw()
	for where, least := range map[string]int{"file /logs/access.log": 20_000, "file /logs/own.log": 20_000, "file /logs/default.log": 2_000, "file /logs/decisions.log": 5_000, "traces": 20_000} {
		if len(g.texts[where]) < least {
			t.Errorf("of %s there are only %d bytes", where, len(g.texts[where]))
		}
	}
	for where, text := range g.texts {
		for _, shown := range g.c.in(text) {
			t.Errorf("%s shows %s", where, shown)
		}
	}
	t.Logf("looked for %d secrets in %d texts, %d of them files", len(g.c), len(g.texts), files)
}

// stop has the gateway write what it has left, and end.
func (g *canaried) stop() {
	g.process.Signal(os.Interrupt) //nolint:errcheck // it may be gone
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if g.process.Signal(syscall.Signal(0)) != nil {
			return
		}
		if time.Now().After(end) {
			g.t.Fatal("the gateway did not stop")
		}
	}
}
