package modules_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// Each Caddyfile has one mistake in api_console; what is said of it names the file and the line.
func TestConsoleMistakes(t *testing.T) {
	site := func(lines ...string) string { return ":80 {\n\t" + strings.Join(lines, "\n\t") + "\n}\n" }
	for _, test := range []struct{ name, caddyfile, want string }{
		{"two paths", site("api_console /a /b"), "expected: api_console [<path>], at Caddyfile:2"},
		{"an empty path", site(`api_console ""`), "expected: api_console [<path>], at Caddyfile:2"},
		{"no path", site("api_console ops"), `api_console takes a canonical path such as /console, not "ops", at Caddyfile:2`},
		{"a slash at the end", site("api_console /ops/"), `api_console takes a canonical path such as /console, not "/ops/", at Caddyfile:2`},
		{"a pattern", site("api_console /ops*"), `api_console takes a canonical path such as /console, not "/ops*", at Caddyfile:2`},
		{"a block", site("api_console {", "\tpath /ops", "}"), "api_console takes no block, at Caddyfile:3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := adapt(test.caddyfile)
			if err == nil {
				t.Fatalf("no mistake found in\n%s", test.caddyfile)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}

// The Caddyfiles of the page about the console are ones that load.
func TestConsolePage(t *testing.T) {
	page, err := os.ReadFile("../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```caddyfile\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 3 {
		t.Fatalf("%d Caddyfiles", len(blocks))
	}
	for _, block := range blocks {
		if strings.Contains(block[1], "api_gateway") {
			block[1] = "{\n\tapi_gateway {\n\t\tcatalogue ../examples/shop\n\t\tpolicies ../policies\n\t}\n}\n" + block[1]
		}
		if err := validated(t, block[1]); err != nil {
			t.Errorf("%v\n%s", err, block[1])
		}
	}
}

// validated has Caddy load a Caddyfile as caddy validate does: nothing runs.
func validated(t *testing.T, caddyfile string) error {
	t.Helper()
	adapted, _, err := adapt(caddyfile)
	if err != nil {
		t.Fatal(err)
	}
	var config caddy.Config
	if err := json.Unmarshal(adapted, &config); err != nil {
		t.Fatal(err)
	}
	config.Admin = &caddy.AdminConfig{Disabled: true}
	config.StorageRaw = json.RawMessage(`{"module":"file_system","root":` + strconv.Quote(t.TempDir()) + `}`)
	return caddy.Validate(&config)
}

// A console that anybody could reach does not load, but on loopback.
func TestConsoleIsGuarded(t *testing.T) {
	const (
		named = "https://localhost:{$HTTPS_PORT}"
		all   = "http://:{$HTTP_PORT}"
		open  = "nobody who asks for the console would have to say who they are"
		basic = "basic_auth%s {\n\t\tops $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n\t}"
	)
	asks := func(matcher string) string { return strings.Replace(basic, "%s", matcher, 1) }
	file := filepath.Join(t.TempDir(), "a.keys")
	gatewaytest.Write(t, file, "")
	keys := "api_auth {\n\t\tkey X-API-Key " + file + "\n\t\tANONYMOUS\n\t}"
	for _, test := range []struct {
		name, site string
		lines      []string
		want       string // "" for one that loads
	}{
		{"nothing before it", named, []string{"api_console"}, open},
		{"nothing, on a site of its own", all, []string{"api_console /"}, open},
		{"on loopback", named, []string{"bind 127.0.0.1", "api_console"}, ""},
		{"on loopback, of both kinds", all, []string{"bind 127.0.0.1 [::1]", "api_console /"}, ""},
		{"on loopback and elsewhere", named, []string{"bind 127.0.0.1 0.0.0.0", "api_console"}, open},
		{"basic_auth", named, []string{asks(""), "api_console"}, ""},
		{"basic_auth for its path", named, []string{asks(" /console*"), "api_console"}, ""},
		{"basic_auth for its path, in a site for all hosts", all, []string{asks(" /console/*"), "api_console"}, ""},
		{"basic_auth for another path", named, []string{asks(" /admin/*"), "api_console"}, open},
		{"basic_auth for another path, in a site for all hosts", all, []string{asks(" /admin/*"), "api_console"}, open},
		{"basic_auth for some methods", named, []string{"@posts method POST", asks(" @posts"), "api_console"}, open},
		{"api_auth", named, []string{strings.Replace(keys, "ANONYMOUS", "", 1), "api_console"}, ""},
		{"api_auth, which lets anybody in", named, []string{strings.Replace(keys, "ANONYMOUS", "anonymous", 1), "api_console"}, open},
		{"forward_auth", named, []string{"forward_auth 127.0.0.1:1 {\n\t\turi /verify\n\t}", "api_console"}, ""},
		{"behind a proxy that asks nobody", named, []string{"reverse_proxy /x/* 127.0.0.1:1", "api_console"}, open},
		{"within handle", named, []string{"handle /ops/* {", asks(""), "api_console /ops", "}"}, ""},
		{"within handle, beside the one that asks", named, []string{"handle /ops/* {", "api_console /ops", "}", "handle {", asks(""), "}"}, open},
		{"within handle_path", named, []string{"handle_path /ops/* {", asks(""), "api_console /", "}"}, ""},
		{"within route, before it asks", named, []string{"route {", "api_console", asks(""), "}"}, open},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("HTTPS_PORT", "8443")
			t.Setenv("HTTP_PORT", "8080")
			err := validated(t, test.site+" {\n\t"+strings.Join(test.lines, "\n\t")+"\n}\n")
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
