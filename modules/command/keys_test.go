package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/identity"
	_ "github.com/wicketgate/wicketgate/modules/auth"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// keysRun runs the commands on a file, at a time.
type keysRun struct {
	keysOptions
	out, words bytes.Buffer
}

func newKeysRun(file string, now time.Time) *keysRun {
	r := &keysRun{}
	r.keysOptions = keysOptions{file: file, out: &r.out, words: &r.words, now: func() time.Time { return now }}
	return r
}

// do runs a command, and gives what it said: the key or the list, the words, and the error.
func (r *keysRun) do(t *testing.T, command func(path string) error) (out, words string, err error) {
	t.Helper()
	r.out.Reset()
	r.words.Reset()
	code, err := r.run(command)
	if (code == 0) != (err == nil) {
		t.Errorf("exit code %d with %v", code, err)
	}
	return r.out.String(), r.words.String(), err
}

func TestKeys(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 5, time.UTC)
	path := filepath.Join(t.TempDir(), "partners.keys")
	r := newKeysRun(path, now)
	add := func(k identity.Key, expires string) func(string) error {
		return func(path string) error { return r.add(path, k, expires) }
	}
	key, words, err := r.do(t, add(identity.Key{Consumer: "acme", Plan: "gold", Scopes: []string{"a", "b"}, Name: "Acme's till"}, "90d"))
	if err != nil || !strings.HasPrefix(key, "wg_") || len(key) != 66 || strings.Count(key, "\n") != 1 {
		t.Fatalf("%q %v", key, err)
	}
	id := key[3:15]
	want := "made " + path + ", which only its owner may read\nadded key " + id + " of acme, which expires at 2027-01-30T12:00:00Z, to " + path + "; it is shown this once\n"
	if words != want {
		t.Errorf("got %q, want %q", words, want)
	}
	for _, expires := range []string{"2026-11-10", "2026-11-15T13:00:00+01:00", ""} {
		if _, _, err := r.do(t, add(identity.Key{Consumer: "globex"}, expires)); err != nil {
			t.Error(err)
		}
	}
	for expires, want := range map[string]string{
		"tomorrow": "--expires is a span of time such as 90d", "2026-11-01": "does not lie ahead", "0d": "does not lie ahead",
		"-1h": "does not lie ahead", "-1d": "not \"-1d\"", "99999999d": "--expires is a span", "2026-10-31T12:00:00Z": "does not lie ahead",
	} {
		if _, _, err := r.do(t, add(identity.Key{Consumer: "acme"}, expires)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", expires, err, want)
		}
	}
	if _, _, err := r.do(t, add(identity.Key{Consumer: " acme"}, "")); err == nil || !strings.Contains(err.Error(), "invalid consumer: A consumer's id is 1 to 256 characters") {
		t.Error(err)
	}

	list, _, err := r.do(t, func(path string) error { return r.list(path, false) })
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for line := range strings.Lines(list) {
		states = append(states, strings.Join(strings.Fields(line)[1:4], " "))
	}
	if got := strings.Join(states, "|"); got != "CONSUMER STATE EXPIRES|acme active 2027-01-30T12:00:00Z|globex expiring 2026-11-10T00:00:00Z|globex expiring 2026-11-15T12:00:00Z|globex active -" {
		t.Error(got)
	}
	text, _, err := r.do(t, func(path string) error { return r.list(path, true) })
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	if err = json.Unmarshal([]byte(text), &all); err != nil || len(all) != 4 || all[0].ID != id || all[0].Plan != "gold" || all[0].Name != "Acme's till" || all[3].Expires != nil {
		t.Errorf("%v %+v", err, all)
	}
	if strings.Contains(list+text, "sha256") || strings.Contains(list+text, key[16:40]) {
		t.Error("a hash or a key is listed")
	}

	// The new key says what the old one said; the old one ends.
	r.now = func() time.Time { return now.Add(time.Hour) }
	rotated, words, err := r.do(t, func(path string) error { return r.rotate(path, id, "7d", "") })
	if err != nil || !strings.HasSuffix(words, "the old key "+id+", which expires at 2026-11-08T13:00:00Z\n") {
		t.Fatal(words, err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(file), "\n")
	if !strings.HasPrefix(lines[0], id) || !strings.HasPrefix(lines[1], rotated[3:15]) ||
		!strings.HasSuffix(lines[1], ` consumer=acme expires=2027-01-30T12:00:00Z plan=gold scopes=a,b name="Acme's till"`) {
		t.Errorf("%s", file)
	}
	r.now = func() time.Time { return now.AddDate(1, 0, 0) }
	if _, _, err := r.do(t, func(path string) error { return r.rotate(path, id, "0", "") }); err == nil || !strings.Contains(err.Error(), "say with --expires when the new one is to") {
		t.Error(err)
	}
	if _, _, err := r.do(t, func(path string) error { return r.rotate(path, id, "0", "30d") }); err != nil {
		t.Error(err)
	}
	if _, _, err := r.do(t, func(path string) error { return r.rotate(path, id, "soon", "") }); err == nil || !strings.Contains(err.Error(), "--overlap") {
		t.Error(err)
	}

	// A broken file is told by its line, and left as it is.
	broken := string(file) + "oops\n"
	gatewaytest.Write(t, path, broken)
	_, words, err = r.do(t, add(identity.Key{Consumer: "acme"}, ""))
	if err != errMistakes || !strings.Contains(words, path+":6:1") || !strings.Contains(words, "Invalid key id") {
		t.Errorf("%v\n%s", err, words)
	}
	if file, err = os.ReadFile(path); err != nil || string(file) != broken {
		t.Errorf("%s", file)
	}
}

// Without --file, it is the one key file of the configuration.
func TestKeysFindTheirFile(t *testing.T) {
	t.Chdir(t.TempDir())
	find := func(want string) {
		t.Helper()
		o := keysOptions{}
		path, err := o.find()
		if err != nil {
			path = err.Error()
		}
		if path != want {
			t.Errorf("got %q, want %q", path, want)
		}
	}
	find("there is no Caddyfile in this folder; name the key file with --file, or a configuration with --config")
	gatewaytest.Write(t, "Caddyfile", ":80 {\n\trespond ok\n}\n")
	find("the configuration names no key file; name one with --file")
	gatewaytest.Write(t, "Caddyfile", ":80 {\n\tapi_auth {\n\t\tkey X-API-Key partners.keys\n\t}\n}\n")
	find("partners.keys") // which need not be there yet
	gatewaytest.Write(t, "staff.keys", "")
	gatewaytest.Write(t, "shop.hcl", "identity \"staff\" {\n  api_key { keys = \"staff.keys\" }\n}\nmistake = 1\n")
	gatewaytest.Write(t, "Caddyfile", "{\n\tapi_gateway {\n\t\tcatalogue shop.hcl\n\t}\n}\n:80 {\n\tapi_gateway\n}\n")
	find("staff.keys")
	gatewaytest.Write(t, "Caddyfile", "{\n\tapi_gateway {\n\t\tcatalogue shop.hcl\n\t}\n}\n:80 {\n\tapi_gateway\n\tapi_auth /x {\n\t\tkey X-API-Key partners.keys\n\t}\n}\n")
	find("the configuration names several key files; say which with --file: partners.keys, staff.keys")
}

// Mistakes in how a command is called.
func TestKeysUsage(t *testing.T) {
	for args, want := range map[string]string{
		"add":                            `required flag(s) "consumer" not set`,
		"add x --consumer acme":          `unknown command "x"`,
		"add --consumer acme --expiry x": "unknown flag: --expiry",
		"revoke":                         "accepts 1 arg(s), received 0",
		"rotate a b":                     "accepts 1 arg(s), received 2",
		"revok a":                        `there is no command "revok". Did you mean "revoke"?`,
		"list --file none.keys":          "no such file",
	} {
		cmd := &cobra.Command{Use: "gateway", SilenceUsage: true, SilenceErrors: true}
		cmd.AddCommand(keysCommand())
		cmd.SetArgs(strings.Fields("keys " + args))
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// TestKeysOfARunningGateway has a gateway see what the commands change in its file.
func TestKeysOfARunningGateway(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "partners.keys")
	r := newKeysRun(path, time.Now())
	r.now = time.Now
	add := func() string {
		t.Helper()
		key, _, err := r.do(t, func(path string) error { return r.add(path, identity.Key{Consumer: "acme"}, "") })
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(key)
	}
	first := add()
	log := filepath.Join(dir, "default.log")
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), "{\n\tapi_gateway {\n\t\twatch 10ms\n\t}\n\tlog default {\n\t\toutput file "+log+" {\n\t\t\troll_disabled\n\t\t}\n\t}\n}\n"+
		"https://localhost:{$HTTPS_PORT} {\n\tapi_auth {\n\t\tkey X-API-Key partners.keys\n\t}\n\trespond {http.auth.user.id}\n}\n")
	g := gatewaytest.Start(t, filepath.Join(dir, "Caddyfile"))
	status := func(key string) int { return g.Do("GET", "/", "", "X-API-Key: "+key).Status }
	if got := status(first); got != 200 {
		t.Fatal(got)
	}
	second := add()
	g.Within(10*time.Second, "a new key is good", func() bool { return status(second) == 200 })
	if _, _, err := r.do(t, func(path string) error { return r.rotate(path, second[3:15], "24h", "") }); err != nil {
		t.Fatal(err)
	}
	third := strings.TrimSpace(r.out.String())
	g.Within(10*time.Second, "the key that takes its place is good", func() bool { return status(third) == 200 })
	if got := status(second); got != 200 {
		t.Errorf("in the overlap the old one is answered %d", got)
	}
	if _, _, err := r.do(t, func(path string) error { return r.rotate(path, third[3:15], "0", "") }); err != nil {
		t.Fatal(err)
	}
	g.Within(10*time.Second, "without an overlap the old one ends", func() bool { return status(third) == 401 })
	gatewaytest.Write(t, path, "oops\n")
	g.Within(10*time.Second, "the mistake is told", func() bool {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), "partners.keys:1:1")
	})
	if got := status(first); got != 200 {
		t.Errorf("under the last good file a key is answered %d", got)
	}
}
