package command

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/wicketgate/wicketgate/modules/auth"
)

// TestCheckLogs warns of each log that shows API keys, and says what to write in it.
func TestCheckLogs(t *testing.T) {
	const (
		auth   = "\tapi_auth {\n\t\tkey X-API-Key partners.keys {\n\t\t\tbearer\n\t\t\tquery api_key\n\t\t}\n\t}\n"
		fields = "request>headers>X-Api-Key delete\n"
		query  = "request>uri query {\nreplace api_key REDACTED\n}\n"
	)
	site := func(log string) string { return ":80 {\n" + log + "\n" + auth + "}\n" }
	for _, test := range []struct{ name, caddyfile, want string }{ // want: the logs, each with what it shows
		{"no log", site(""), "default: http.log.error: X-Api-Key, api_key"},
		{"no keys", ":80 {\nlog\nrespond ok\n}\n", ""},
		{"tokens alone", ":80 {\nlog\napi_auth {\njwt {\nissuer https://id.example\naudience a\n}\n}\n}\n", ""},
		{"a default log", "{\nlog {\nformat api_gateway\n}\n}\n" + site(""), ""},
		{"an access log on the default log", "{\nlog {\nformat api_gateway\n}\n}\n" + site("log"), ""},
		{"an access log", "{\nlog {\nformat api_gateway\n}\n}\n" + site("log {\noutput stdout\n}"), "log0: http.log.access.log0: X-Api-Key, api_key"},
		{"both", site("log {\noutput stdout\nformat json\n}"), "default: http.log.error.log0: X-Api-Key, api_key|log0: http.log.access.log0: X-Api-Key, api_key"},
		{"one that is thrown away", "{\nlog {\nformat api_gateway\n}\n}\n" + site("log {\noutput discard\n}"), ""},
		{"of panics", "{\nlog {\nlevel PANIC\n}\n}\n" + site(""), ""},
		{"of errors", "{\nlog {\nlevel ERROR\n}\n}\n" + site(""), "default: http.log.error: X-Api-Key, api_key"},
		{"without requests", "{\nlog {\nexclude http\n}\n}\n" + site(""), ""},
		{"of requests alone", "{\nlog {\nexclude http\n}\nlog requests {\noutput stdout\ninclude http.log\n}\n}\n" + site(""), "requests: http.log.error: X-Api-Key, api_key"},
		{"of the admin API", "{\nlog {\nexclude http\n}\nlog admin {\noutput stdout\ninclude admin\n}\n}\n" + site(""), ""},
		{"an exception", "{\nlog {\ninclude http\nexclude http.log.error\n}\n}\n" + site("log"), "default: http.log.access: X-Api-Key, api_key"},
		{"filtered", "{\nlog {\nformat filter {\n" + fields + query + "}\n}\n}\n" + site(""), ""},
		{"filtered in part", "{\nlog {\nformat filter {\n" + fields + "}\n}\n}\n" + site(""), "default: http.log.error: api_key"},
		{"filtered in another part", "{\nlog {\nformat filter {\n" + query + "}\n}\n}\n" + site(""), "default: http.log.error: X-Api-Key"},
		{"another parameter filtered", "{\nlog {\nformat filter {\n" + fields + "request>uri query {\ndelete key\n}\n}\n}\n}\n" + site(""), "default: http.log.error: api_key"},
		{"all fields filtered", "{\nlog {\nformat filter {\nrequest>headers delete\nrequest>uri delete\n}\n}\n}\n" + site(""), ""},
		{"no request", "{\nlog {\nformat filter {\nrequest delete\n}\n}\n}\n" + site(""), ""},
		{"renamed", "{\nlog {\nformat filter {\nrequest>headers>X-Api-Key rename key\nrequest>uri delete\n}\n}\n}\n" + site(""), "default: http.log.error: X-Api-Key"},
		{"within others", "{\nlog {\nformat append {\nwrap filter {\nwrap filter {\n" + query + "}\n" + fields + "}\nregion eu\n}\n}\n}\n" + site(""), ""},
		{"within another that hides nothing", "{\nlog {\nformat append {\nwrap json\nregion eu\n}\n}\n}\n" + site(""), "default: http.log.error: X-Api-Key, api_key"},
		{"hidden within", "{\nlog {\nformat filter {\nwrap api_gateway\nrequest>host delete\n}\n}\n}\n" + site(""), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(test.caddyfile), nil)
			if err != nil {
				t.Fatal(err)
			}
			diags, err := logged(raw, sent{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range diags {
				_, rest, _ := strings.Cut(d.Detail, `The log "`)
				log, rest, _ := strings.Cut(rest, `", which has `)
				loggers, rest, _ := strings.Cut(rest, " of the server srv0, shows ")
				what, _, _ := strings.Cut(rest, ", in which")
				what = strings.NewReplacer("the header field ", "", "the query parameter ", "", " and ", ", ").Replace(what)
				got = append(got, log+": "+loggers+": "+what)
			}
			if got := strings.Join(got, "|"); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// The keys of a catalogue count where it is served, and those of providers where they stand.
func TestCheckLogsOfEveryHandler(t *testing.T) {
	for handler, want := range map[string]string{
		`{"handler":"api_gateway"}`: "Shop-Key",
		`{"handler":"authentication","providers":{"api_key":{"keys":"a.keys","query":"k"}}}`:                                                     "X-Api-Key",
		`{"handler":"subroute","routes":[{"handle":[{"handler":"api_auth","methods":[{"api_key":{"header":"Partner-Key","keys":"a.keys"}}]}]}]}`: "Partner-Key",
		`{"handler":"static_response"}`: "",
	} {
		raw, err := json.Marshal(map[string]any{"apps": map[string]any{"http": map[string]any{"servers": map[string]any{
			"srv0": map[string]any{"routes": []any{map[string]any{"handle": []any{json.RawMessage(handler)}}}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		diags, err := logged(raw, sent{fields: []string{"Shop-Key"}})
		if err != nil || (len(diags) == 1) != (want != "") || want != "" && !strings.Contains(diags[0].Detail, "the header field "+want) {
			t.Errorf("%s: %v, %v; want %s", handler, diags, err, want)
		}
	}
}

// TestCheckShowsLogs is what is printed, and no mistake.
func TestCheckShowsLogs(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"Caddyfile": "{\n\tadmin off\n\tapi_gateway {\n\t\tcatalogue shop.hcl\n\t}\n}\n:80 {\n\tapi_gateway\n}\n",
		"a.keys":    "",
		"shop.hcl": `identity "partners" {
  api_key {
    keys   = "a.keys"
    header = "Shop-Key"
    query  = "shop_key"
  }
}
upstream "shop" { servers = ["http://shop.example"] }
api "shop" {
  upstream  = upstream.shop
  identify  = [identity.partners]
  authorize = public
  route "GET /orders" {}
}
`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := check(&out, "Caddyfile", ""); err != nil {
		t.Fatal(err)
	}
	const want = `warning: API keys in a log
  The log "default", which has http.log.error of the server srv0, shows the header field Shop-Key and the query parameter shop_key, in which callers send API keys. Write in it
    format api_gateway
  or, where it has another format,
    format filter {
      request>headers>Shop-Key delete
      request>uri query {
        replace shop_key REDACTED
      }
    }
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}
