package modules_test

import (
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// sections are the page's, in the order of an operator's reading: each is a module with a grammar of its own.
var sections = []struct{ title, module, dir, typ string }{
	{"Global option `api_gateway`", "api_gateway", "gateway", "App"},
	{"`policies`", "policies folder", "policy", "Folder"},
	{"`policies bundle`", "policies bundle", "policy", "Bundle"},
	{"`decision_log`", "decision_log", "decisionlog", "Config"},
	{"`counters`", "counters memory", "limit", "Memory"},
	{"`counters redis`", "counters redis", "limit", "Redis"},
	{"`ledger`", "ledger embedded", "ledger", "Embedded"},
	{"`ledger nats`", "ledger nats", "ledger", "NATS"},
	{"Directive `api_gateway`", "api_gateway", "gateway", "Handler"},
	{"Directive `api_health`", "api_health", "health", "Handler"},
	{"Directive `api_auth`", "api_auth", "auth", "Handler"},
	{"Directive `api_limit`", "api_limit", "limit", "Handler"},
	{"Directive `api_validate`", "api_validate", "validate", "Handler"},
	{"Directive `api_policy`", "api_policy", "policy", "Handler"},
	{"Matcher `api_policy`", "api_policy", "policy", "Matcher"},
	{"Directive `api_transform`", "api_transform", "transform", "Handler"},
	{"Directive `api_webhook`", "api_webhook", "webhook", "Handler"},
	{"Directive `api_console`", "api_console", "console", "Handler"},
	{"Directive `api_access_log`", "api_access_log", "accesslog", "Handler"},
	{"Directive `api_tracing`", "api_tracing", "tracing", "Handler"},
	{"Log format `api_gateway`", "api_gateway", "logformat", "Encoder"},
	{"Listener wrapper `api_framing`", "api_framing", "framing", "Wrapper"},
	{"Listener wrapper `api_listener`", "api_listener", "listener", "Wrapper"},
}

const head = `# The Caddyfile: reference

<!-- Made from the comments in modules/ and internal/ by go generate ./modules -->

The directive ` + "`api_gateway`" + ` takes a request through all stages, as the catalogue says, and ` + "`api_console`" + ` shows operators how
that goes. Each of the others is one stage alone, in any Caddyfile, without a catalogue. They run in the order of this page, wherever they
stand in a site: after Caddy's own authentication and before everything that answers, ` + "`api_gateway`" + ` included; only
` + "`api_health`" + ` stands before all that, and before it ` + "`api_access_log` and `api_tracing`" + `. Stages of one request know what those before
them found: a policy sees the consumer that ` + "`api_auth`" + ` found, or the user of Caddy's own ` + "`basic_auth`" + `.

A request that is ambiguous ends before the first stage, and every error is a problem: see [problems](problems.md).
Files that are named are watched: a change is swapped in without a reload, a broken one changes nothing.
`

func TestTheReferencePageIsCurrent(t *testing.T) {
	const page = "../docs/caddyfile.md"
	var out strings.Builder
	out.WriteString(head)
	s := sourceTree{}
	for _, section := range sections {
		level := "##"
		if strings.HasPrefix(section.title, "`") {
			level = "###"
		}
		fmt.Fprintf(&out, "\n%s %s\n", level, section.title)
		spec, about, grammar := s.find(t, section.dir, section.typ)
		out.WriteString("\n" + markdown(strings.Replace(about, section.typ+" ", "`"+section.module+"` ", 1)))
		_, rest, _ := strings.Cut(grammar, "\n") // the sentence that the language wants
		out.WriteString("\n" + markdown(strings.Trim(rest, "\n")))
		all := examples(t, section.title)
		out.WriteString("\nFor example:\n\n```caddyfile\n" + strings.Join(all, "```\n\n```caddyfile\n") + "```\n")
		everyWord(t, section.title, grammar, strings.Join(all, "\n"))
		var rows strings.Builder
		if s.rows(t, &rows, section.dir, spec, "", map[string]string{}); rows.Len() > 0 {
			out.WriteString("\nIn JSON:\n\n| field | |\n|---|---|\n" + rows.String())
		}
	}
	if *update {
		if err := os.WriteFile(page, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != out.String() {
		t.Errorf("%s is not what the comments say: run go generate ./modules", page)
	}
}

// Whatever has a grammar has a section of the page, and so an example.
func TestEveryGrammarHasASection(t *testing.T) {
	has := map[string]bool{}
	for _, s := range sections {
		has[s.title], has[s.module] = true, true
	}
	for _, id := range caddy.Modules() {
		info, err := caddy.GetModule(id)
		if err != nil {
			t.Fatal(err)
		}
		space, name := "", id
		if dot := strings.LastIndex(id, "."); dot >= 0 {
			space, name = id[:dot], id[dot+1:]
		}
		want := ""
		switch {
		case id == "api_gateway":
			want = "Global option `api_gateway`"
		case strings.HasPrefix(id, "api_gateway."):
			want = map[string]string{"api_gateway.policies": "policies ", "api_gateway.counters": "counters ", "api_gateway.ledgers": "ledger "}[space] + name
		case !strings.HasPrefix(name, "api_"):
			continue
		case space == "http.handlers":
			want = "Directive `" + name + "`"
		case space == "caddy.listeners":
			want = "Listener wrapper `" + name + "`"
		case space == "http.matchers":
			want = "Matcher `" + name + "`"
		case space == "caddy.logging.encoders":
			want = "Log format `" + name + "`"
		}
		if _, written := info.New().(caddyfile.Unmarshaler); written && !has[want] {
			t.Errorf("%s has a grammar and no section %q", id, want)
		}
	}
}

// examples are the Caddyfiles of testdata/reference that the page shows in a section: they are called like it, the second
// and third with their number. A test of the command caddy gateway checks them.
func examples(t *testing.T, title string) []string {
	t.Helper()
	name := "testdata/reference/" + strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(title, "`", ""), " ", "_"))
	files, err := filepath.Glob(name + ".[2-9].caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, file := range append([]string{name + ".caddyfile"}, files...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%s has no example: %v", title, err)
		}
		if formatted := string(caddyfile.Format(text)); formatted != string(text) {
			t.Errorf("%s is not formatted; caddy fmt makes of it\n%s", file, formatted)
		}
		all = append(all, string(text))
	}
	return all
}

// everyWord holds that each word of a grammar stands in an example.
func everyWord(t *testing.T, title, grammar, example string) {
	t.Helper()
	used := map[string]bool{}
	for line := range strings.Lines(example) {
		for _, word := range strings.Fields(line) {
			used[word] = true
		}
	}
	var parsed comment.Parser
	for _, block := range parsed.Parse(grammar).Content {
		code, ok := block.(*comment.Code)
		if !ok {
			continue
		}
		for line := range strings.Lines(code.Text) {
			word, _, _ := strings.Cut(strings.TrimSpace(line)+" ", " ")
			if first := strings.TrimLeft(word, "abcdefghijklmnopqrstuvwxyz_"); first == "" && word != "" && !used[word] {
				t.Errorf("%s: %q stands in no example", title, word)
			}
		}
		return // what follows the grammar are examples
	}
}

// markdown writes a Go doc comment as Markdown.
func markdown(text string) string {
	var parsed comment.Parser
	doc := parsed.Parse(text)
	var out strings.Builder
	for i, block := range doc.Content {
		if i > 0 {
			out.WriteString("\n")
		}
		if code, ok := block.(*comment.Code); ok {
			fmt.Fprintf(&out, "```caddyfile\n%s```\n", code.Text)
			continue
		}
		if list, ok := block.(*comment.List); ok {
			for _, item := range list.Items {
				words := plain(item.Content)
				name, rest, _ := strings.Cut(words, " ")
				if first, more, ok := strings.Cut(rest, " "); ok && first == "header" || name == "token" && first != "is" { // "set header", "token claim"
					name, rest = name+" "+first, more
				}
				fmt.Fprintf(&out, "- `%s` %s\n", name, escape(rest))
			}
			continue
		}
		out.WriteString(escape(plain([]comment.Block{block})) + "\n")
	}
	return out.String()
}

// plain is the text of paragraphs, each on one line.
func plain(blocks []comment.Block) string {
	var printer comment.Printer
	printer.TextWidth = -1
	return strings.TrimSpace(string(printer.Text(&comment.Doc{Content: blocks})))
}

// escape keeps what is not Markdown from being read as such.
func escape(text string) string {
	return strings.ReplaceAll(text, "<", "&lt;")
}

// sourceTree finds types and comments in the source.
type sourceTree map[string][]*ast.File // by folder

func (s sourceTree) files(t *testing.T, dir string) []*ast.File {
	t.Helper()
	if s[dir] != nil {
		return s[dir]
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		s[dir] = append(s[dir], file)
	}
	return s[dir]
}

// find gives a type, its comment, and that of its UnmarshalCaddyfile.
func (s sourceTree) find(t *testing.T, dir, typ string) (spec *ast.StructType, about, grammar string) {
	t.Helper()
	for _, file := range s.files(t, dir) {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.GenDecl:
				for _, one := range d.Specs {
					if ts, ok := one.(*ast.TypeSpec); ok && ts.Name.Name == typ {
						spec, _ = ts.Type.(*ast.StructType)
						about = d.Doc.Text()
					}
				}
			case *ast.FuncDecl:
				if d.Name.Name != "UnmarshalCaddyfile" {
					continue
				}
				if star, ok := d.Recv.List[0].Type.(*ast.StarExpr); ok && star.X.(*ast.Ident).Name == typ {
					grammar = d.Doc.Text()
				}
			}
		}
	}
	return spec, about, grammar
}

// rows writes the fields of a struct, and of the structs in them. written are the structs of this section that have
// their rows already, with the field that has them.
func (s sourceTree) rows(t *testing.T, out *strings.Builder, dir string, spec *ast.StructType, prefix string, written map[string]string) {
	t.Helper()
	for _, f := range spec.Fields.List {
		inner, suffix := f.Type, ""
		for done := false; !done; {
			switch x := inner.(type) {
			case *ast.StarExpr:
				inner = x.X
			case *ast.ArrayType:
				inner, suffix = x.Elt, suffix+"[]"
			default:
				done = true
			}
		}
		if f.Tag != nil && reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json") == "-" {
			continue
		}
		if len(f.Names) == 0 { // a configuration of internal/ or of the package's own, whose fields are the handler's
			switch x := inner.(type) {
			case *ast.SelectorExpr:
				from := filepath.Join("..", "internal", x.X.(*ast.Ident).Name)
				config, _, _ := s.find(t, from, x.Sel.Name)
				s.rows(t, out, from, config, prefix, written)
			case *ast.Ident:
				config, _, _ := s.find(t, dir, x.Name)
				s.rows(t, out, dir, config, prefix, written)
			}
			continue
		}
		name := ""
		if f.Tag != nil {
			name, _, _ = strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
		}
		if name == "" || name == "-" {
			continue
		}
		text := strings.Join(strings.Fields(f.Doc.Text()), " ")
		if !strings.HasSuffix(text, ".") {
			t.Errorf("%s: the comment of %s is no manual: %q", dir, f.Names[0].Name, text)
		}
		text = strings.ReplaceAll(escape(text), "|", "\\|")
		if rest, ok := strings.CutPrefix(text, f.Names[0].Name+" "); ok {
			text = "`" + name + "` " + rest
		}
		var of *ast.StructType
		from := dir
		if x, ok := inner.(*ast.SelectorExpr); ok && strings.HasPrefix(dir, "..") { // a configuration of internal/ in one of its
			from = filepath.Join("..", "internal", x.X.(*ast.Ident).Name)
			of, _, _ = s.find(t, from, x.Sel.Name)
		}
		if x, ok := inner.(*ast.Ident); ok {
			if of, _, _ = s.find(t, dir, x.Name); of != nil && written[x.Name] != "" {
				text, of = text+" Its fields are those of `"+written[x.Name]+"`.", nil
			} else {
				written[x.Name] = prefix + name
			}
		}
		fmt.Fprintf(out, "| `%s%s` | %s |\n", prefix, name, text)
		if of != nil {
			s.rows(t, out, from, of, prefix+name+suffix+".", written)
		}
	}
}
