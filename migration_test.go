package wicketgate_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// asked is a row of a page's table of requests: what curl is given behind the address, what the other product answers by
// its documentation, and what this gateway answers, with a text that stands in the body.
type asked struct{ request, there, here, includes string }

var rows = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (\\d{3})\\b[^|]* \\| (\\d{3})(?: `([^`]+)`)?[^|]* \\|")

// TestMigrations asks the converted configurations of docs/migration what the pages say, with curl, and holds the verdicts
// against what the other products are documented to answer: what is refused there is refused here, and nothing else.
func TestMigrations(t *testing.T) {
	pages, err := filepath.Glob("docs/migration/*.md")
	if err != nil || len(pages) != 4 {
		t.Fatalf("there are %d pages: %v", len(pages), err)
	}
	binary := build(t)
	for _, page := range pages {
		product := strings.TrimSuffix(filepath.Base(page), ".md")
		t.Run(product, func(t *testing.T) {
			caddyfile := "examples/migration/" + product + "/Caddyfile"
			if out, err := exec.Command(binary, "gateway", "check", "--config", caddyfile).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			testMigration(t, string(read(t, page)), start(t, binary, caddyfile))
		})
	}
}

// The configurations of the other products are at least well formed.
func TestMigrationsAreWellFormed(t *testing.T) {
	n := 0
	for _, name := range append(files(t, ".yaml"), files(t, ".json")...) {
		if !strings.HasPrefix(name, "examples/migration/") {
			continue
		}
		n++
		var what any
		if err := yaml.Unmarshal(read(t, name), &what); err != nil { // JSON is YAML, too
			t.Errorf("%s: %v", name, err)
		}
	}
	if n < 6 {
		t.Errorf("there are only %d", n)
	}
}

func testMigration(t *testing.T, page string, g *running) {
	script := &strings.Builder{}
	for _, s := range console(page) {
		fmt.Fprintln(script, g.here(s.command))
	}
	var all []asked
	for _, m := range rows.FindAllStringSubmatch(page, -1) {
		all = append(all, asked{m[1], m[2], m[3], m[4]})
		path, options, _ := strings.Cut(m[1], " ")
		fmt.Fprintf(script, "curl -s '%s' %s -w '\\n%%{http_code}'; printf '\\n--%d--\\n'\n", g.here("https://localhost:8443"+path), options, len(all)-1)
	}
	if len(all) < 8 {
		t.Fatalf("only %d requests found", len(all))
	}
	bash := exec.Command("bash", "-c", script.String())
	bash.Env = append(g.env, "GOFLAGS=-buildvcs=false", "CURL_CA_BUNDLE="+filepath.Join(g.data, "pki", "authorities", "local", "root.crt"))
	bash.Stderr = os.Stderr
	out, err := bash.Output()
	if err != nil {
		t.Fatal(err)
	}
	rest := string(out)
	for i, row := range all {
		answer, after, ok := strings.Cut(rest, fmt.Sprintf("\n--%d--\n", i))
		if !ok {
			t.Fatalf("%s was not asked", row.request)
		}
		rest = after
		body, status := answer[:len(answer)-3], answer[len(answer)-3:]
		if status != row.here || !strings.Contains(body, row.includes) {
			t.Errorf("%s is answered %s\n%s\nand the page says %s %s", row.request, status, body, row.here, row.includes)
		}
		if (row.here < "400") != (row.there < "400") {
			t.Errorf("%s: %s here and %s there are different verdicts", row.request, row.here, row.there)
		}
	}
}
