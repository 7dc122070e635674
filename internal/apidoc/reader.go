package apidoc

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// reader is the reading of one document.
type reader struct {
	root  string
	read  func(string) ([]byte, error)
	files map[string]*file
	order []string // of files, as they were looked for
	doc   *Document
	old   bool // 3.0

	diags hcl.Diagnostics
	told  map[string]*tally // of what is told once however often it is there
	tolds []*tally

	defs   map[*node]*def // by the node that references lead to
	queue  []*def
	names  map[string]bool // of defs
	labels map[string]bool // of objects
	bodies map[*node]*Object
}

// tally is a warning that is told once, with the number of its places.
type tally struct {
	at              hcl.Range
	summary, detail string
	n               int
}

func (r *reader) wrong(n *node, summary, detail string, args ...any) {
	if len(r.diags) <= maxMistakes {
		at := n.at()
		r.diags = append(r.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &at})
	}
}

// warn tells of something that is not used; of the same thing elsewhere but the number.
func (r *reader) warn(n *node, summary, detail string, args ...any) {
	t := &tally{n.at(), summary, fmt.Sprintf(detail, args...), 1}
	if known := r.told[t.summary+t.detail]; known != nil {
		known.n++
		return
	}
	if len(r.tolds) < maxMistakes {
		r.told[t.summary+t.detail] = t
		r.tolds = append(r.tolds, t)
	}
}

func (r *reader) finish() hcl.Diagnostics {
	seen := make(map[string]bool) // a part that many refer to has its mistakes once
	r.diags = slices.DeleteFunc(r.diags, func(d *hcl.Diagnostic) bool {
		key := d.Error()
		defer func() { seen[key] = true }()
		return seen[key]
	})
	for _, t := range r.tolds {
		if t.n > 1 {
			t.detail += fmt.Sprintf(" So it is at %d places; this is the first.", t.n)
		}
		r.diags = append(r.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: t.summary, Detail: t.detail, Subject: &t.at})
	}
	return r.diags
}

// open reads a file; from is the reference to it, nil for the document itself. It gives nil where it cannot.
func (r *reader) open(path string, from *node) *file {
	path = filepath.Clean(path)
	if f, ok := r.files[path]; ok {
		return f
	}
	mistake := func(summary, detail string, args ...any) {
		if from == nil {
			from = &node{file: newFile(path, nil), line: 1, column: 1}
		}
		r.wrong(from, summary, detail, args...)
	}
	if len(r.order) >= maxFiles {
		mistake("Too many files", "A document may be made of at most %d files.", maxFiles)
		return nil
	}
	r.files[path] = nil
	r.order = append(r.order, path)
	src, err := r.read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		mistake("Reference leads nowhere", "There is no file %q.", filepath.Base(path))
		return nil
	case err != nil:
		var e *fs.PathError
		if errors.As(err, &e) {
			err = e.Err
		}
		mistake("Unreadable file", "The file %q cannot be read: %v.", filepath.Base(path), err)
		return nil
	case len(src) > maxFile:
		mistake("Document too large", "A file of a document may have at most %d MiB.", maxFile>>20)
		return nil
	}
	f := newFile(path, src)
	r.files[path] = f
	r.parse(f)
	return f
}

// follow gives what a value refers to; the value itself where that is no reference, nil where it leads nowhere.
func (r *reader) follow(n *node) *node {
	for range maxJumps {
		ref := n.get("$ref")
		if ref == nil || ref.kind != text {
			return n
		}
		if n = r.target(ref); n == nil {
			return nil
		}
	}
	r.wrong(n, "Reference without end", "These references lead to each other.")
	return nil
}

// target gives the value that a reference leads to; nil where it leads nowhere, which has been told.
func (r *reader) target(ref *node) *node {
	u, err := url.Parse(ref.text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.RawQuery != "" {
		r.wrong(ref, "Reference elsewhere", "A document refers to itself and to files in its folder, not to addresses: copy what is there into a file.")
		return nil
	}
	f := ref.file
	if u.Path != "" {
		path := filepath.Join(filepath.Dir(ref.file.path), filepath.FromSlash(u.Path))
		rel, err := filepath.Rel(r.root, path)
		if err != nil || !filepath.IsLocal(rel) || filepath.IsAbs(u.Path) {
			r.wrong(ref, "Reference elsewhere", "A document refers to itself and to files in its folder or below.")
			return nil
		}
		if f = r.open(path, ref); f == nil {
			return nil
		}
	}
	if u.Fragment != "" && u.Fragment[0] != '/' {
		r.wrong(ref, "Not supported", "References by $anchor are not supported by this version; name the place: #/components/schemas/name.")
		return nil
	}
	n := f.top
	tokens := jsonspan.Split(u.Fragment)
	for i, token := range tokens {
		if n != nil && n.kind == list {
			var index int
			if _, err := fmt.Sscanf(token, "%d", &index); err == nil && index >= 0 && index < len(n.items) {
				n = n.items[index]
				continue
			}
		}
		next := n.get(token)
		if next == nil {
			var known []string
			if n != nil {
				for _, m := range n.members {
					known = append(known, m.name)
				}
			}
			r.wrong(ref, "Reference leads nowhere", "There is no %q at %q.%s", token, "#"+jsonspan.Join(tokens[:i]), diagnostic.DidYouMean(token, known))
			return nil
		}
		n = next
	}
	return n
}

// fields tells of the members of a value that nobody reads: misspelt ones. It gives false where the value is none with
// members.
func (r *reader) fields(n *node, what string, known ...string) bool {
	if n == nil {
		return false
	}
	if n.kind != mapping {
		r.wrong(n, "Unsuitable value", "%s has members.", what)
		return false
	}
	for _, m := range n.members {
		if !slices.Contains(known, m.name) && !strings.HasPrefix(m.name, "x-") {
			r.warn(m.key, "Unknown member", "%s has no member %q in OpenAPI.%s", what, m.name, diagnostic.DidYouMean(m.name, known))
		}
	}
	return true
}

// texts gives the texts of a list.
func texts(n *node) []string {
	var all []string
	if n != nil {
		for _, item := range n.items {
			if item.kind == text {
				all = append(all, item.text)
			}
		}
	}
	return all
}
