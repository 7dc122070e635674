package status

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of fields to docs/status.md")

// made stands in the page before the table that is made of the comments.
const made = "<!-- What follows is made from the comments in internal/status by go test ./internal/status -update -->\n"

// TestPage holds the table of fields against the comments on them.
func TestPage(t *testing.T) {
	const page = "../../docs/status.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	written, _, ok := strings.Cut(string(text), made)
	if !ok {
		t.Fatalf("%s has no line %q", page, made)
	}
	f := fields{t: t, types: map[string]*ast.TypeSpec{}}
	f.out.WriteString(made + "\n| field | type | |\n|---|---|---|\n")
	f.rows(".", "Status", "")
	if *update {
		if err := os.WriteFile(page, []byte(written+f.out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if written+f.out.String() != string(text) {
		t.Errorf("%s is not what the comments say: run go test ./internal/status -update", page)
	}
}

// fields makes the table from the source.
type fields struct {
	t     *testing.T
	out   strings.Builder
	types map[string]*ast.TypeSpec // by folder and name
	known map[string]bool          // folders
	told  map[*ast.TypeSpec]string // what was written already, by the field that has it
}

// find gives a type of a folder.
func (f *fields) find(dir, name string) *ast.TypeSpec {
	if !f.known[dir] {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			f.t.Fatal(err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				f.t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if spec, ok := n.(*ast.TypeSpec); ok {
					f.types[dir+" "+spec.Name.Name] = spec
				}
				return true
			})
		}
		if f.known == nil {
			f.known = map[string]bool{}
		}
		f.known[dir] = true
	}
	return f.types[dir+" "+name]
}

// rows writes those of a struct, whose fields are called what begins with prefix.
func (f *fields) rows(dir, name, prefix string) {
	spec := f.find(dir, name)
	if spec == nil {
		f.t.Fatalf("there is no type %s in %s", name, dir)
	}
	for _, field := range spec.Type.(*ast.StructType).Fields.List {
		kind, inner, from := f.kind(dir, field.Type)
		if len(field.Names) == 0 { // embedded
			f.rows(from, inner, prefix)
			continue
		}
		tag := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json")
		called, _, _ := strings.Cut(tag, ",")
		said := strings.Join(strings.Fields(field.Doc.Text()), " ")
		if called == "" || !strings.HasSuffix(said, ".") {
			f.t.Errorf("the field %s of %s has no name in JSON, or no comment: %q", field.Names[0], name, said)
		}
		fmt.Fprintf(&f.out, "| `%s` | %s | %s |\n", prefix+called, kind, said)
		if inner == "" {
			continue
		}
		if strings.HasPrefix(kind, "list") {
			called += "[]"
		}
		called = prefix + called
		if first := f.told[f.find(from, inner)]; first != "" {
			fmt.Fprintf(&f.out, "| `%s.…` | | As `%s.…`. |\n", called, first)
			continue
		}
		if f.told == nil {
			f.told = map[*ast.TypeSpec]string{}
		}
		f.told[f.find(from, inner)] = called
		f.rows(from, inner, called+".")
	}
}

// kind gives what a type is called on the page, and of a struct its name and folder.
func (f *fields) kind(dir string, e ast.Expr) (kind, inner, from string) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return f.kind(dir, e.X)
	case *ast.ArrayType:
		kind, inner, from = f.kind(dir, e.Elt)
		return "list of " + kind + "s", inner, from
	case *ast.MapType:
		return "object of numbers", "", ""
	case *ast.SelectorExpr:
		of := e.X.(*ast.Ident).Name
		if of == "time" {
			return "time", "", ""
		}
		return "object", e.Sel.Name, "../" + of
	case *ast.Ident:
		switch e.Name {
		case "string":
			return "text", "", ""
		case "bool":
			return "true or false", "", ""
		case "int", "int64", "uint64":
			return "number", "", ""
		case "Finding": // which spells itself
			return "text", "", ""
		}
		return "object", e.Name, dir
	}
	f.t.Fatalf("what is %T?", e)
	return "", "", ""
}
