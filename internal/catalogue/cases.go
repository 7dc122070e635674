package catalogue

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Cases are what *.case.hcl files hold.
type Cases struct {
	Cases []*Case // in the order of the files, and in them as written

	// Files are all files and folders whose change can change the cases: those read, the folders looked through, and
	// the bodies' files.
	Files   []string
	Sources map[string][]byte // the contents of the files read, by the names that diagnostics use
}

// Case is a case block: requests, and what the gateway is expected to make of them.
type Case struct {
	Name  string
	Steps []*Step // one where the case has no steps
	Range hcl.Range
}

// Step is one request of a case.
type Step struct {
	Name     string // "" where it is the only one
	At       time.Time
	As       *Caller // nil where the request's own fields say who calls
	Request  Request
	Upstream []*Answer
	Expect   *Expectation // nil for a step that only prepares the next
	Range    hcl.Range
}

// Caller is an as block.
type Caller struct {
	Consumer string
	Identity string // "" for the first that the route takes
	Name     string
	Claims   json.RawMessage // nil for none
	Scopes   []string        // nil: those of the claims
	Groups   []string        // nil: those of the claims
	Version  string
	Plan     string // "" for none
	Range    hcl.Range
	// IdentityRange is where the identity is named.
	IdentityRange hcl.Range
}

// Request is a request block.
type Request struct {
	Method, Target string
	Host           string // "" for the API's own
	Address        netip.Addr
	Headers        []Field
	Body           *Content // nil for none
	Times          int
	Signed         bool // a webhook takes its sender's signature for given
	SignedRange    hcl.Range
	Range          hcl.Range
}

// Content is a body.
type Content struct {
	Bytes []byte
	JSON  bool // it is known to be JSON
	Range hcl.Range
}

// Answer is what the upstream answers.
type Answer struct {
	Status  int
	Headers []Field
	Body    *Content
	Down    bool
}

// Expectation is an expect block. What is not written is nil.
type Expectation struct {
	Status    *int64
	Problem   *string
	Detail    *string
	Stage     *string
	API       *string
	Version   *string
	Route     *string
	Consumer  *string
	Allow     *bool
	Reasons   []json.RawMessage // nil: not written
	Forwarded *bool
	Headers   []Field
	Body      *Content
	Includes  json.RawMessage
	Upstream  []*Forwarded
	Range     hcl.Range

	ranges map[string]hcl.Range
}

// At is where an attribute of the block is written; the block's header where it is not.
func (e *Expectation) At(attribute string) hcl.Range {
	if r, ok := e.ranges[attribute]; ok {
		return r
	}
	return e.Range
}

// Forwarded is a request that is expected to reach the upstream.
type Forwarded struct {
	Method, Target string
	Headers        []Field
	Body           *Content
	Includes       json.RawMessage
	Range          hcl.Range
	IncludesRange  hcl.Range
}

// caseEnding is how the names of files of cases end.
const caseEnding = ".case.hcl"

// Bounds of looking for cases.
const (
	maxCaseFiles = 1000
	maxLooked    = 100_000 // files and folders that are looked at
)

// LoadCases reads request cases from files, and from *.case.hcl files in folders and those below them; hidden folders
// are left out. A name stands for one case of its file. With any error the cases are what could be understood.
func LoadCases(paths []string) (*Cases, hcl.Diagnostics) {
	c := &Cases{Sources: make(map[string][]byte)}
	files, watched, diags := findCases(paths)
	c.Files = append(c.Files, watched...)
	for _, path := range files {
		d := &decoder{language: &caseLanguage, outermost: outermostCase, files: map[string]bool{path: true}, sources: c.Sources}
		if body := d.parse(path); body != nil {
			bodies := []*hclsyntax.Body{body}
			d.partial = d.diags.HasErrors()
			d.scope = newScope(d, bodies, nil)
			b := &caseBuilder{d: d}
			for _, n := range d.root(bodies).all("case") {
				c.Cases = append(c.Cases, b.build(n))
			}
		}
		diags = append(diags, d.diags...)
		c.Files = append(c.Files, d.watched()...)
	}
	slices.Sort(c.Files)
	c.Files = slices.Compact(c.Files)
	return c, diagnostic.Sort(diags)
}

// findCases lists the files of cases that paths name or hold, and the folders in which there may be more.
func findCases(paths []string) (files, watched []string, diags hcl.Diagnostics) {
	looked := 0
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			looked++
			switch {
			case err != nil:
				return err
			case looked > maxLooked:
				return fmt.Errorf("there are more than %d files and folders here; name a smaller folder", maxLooked)
			case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
				return fs.SkipDir
			case entry.IsDir():
				watched = append(watched, path)
			case strings.HasSuffix(entry.Name(), caseEnding) && !strings.HasPrefix(entry.Name(), "."):
				files = append(files, filepath.Clean(path))
			}
			return nil
		})
		if err != nil {
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unreadable folder", Detail: fmt.Sprintf("Looking for cases in %s: %v.", root, reason(err))})
		}
	}
	slices.Sort(files)
	if files = slices.Compact(files); len(files) > maxCaseFiles {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Too many files", Detail: fmt.Sprintf("At most %d files of cases are read at once; name a smaller folder.", maxCaseFiles)})
		files = files[:maxCaseFiles]
	}
	return files, watched, diags
}

// caseBuilder makes cases of decoded blocks.
type caseBuilder struct{ d *decoder }

func (b *caseBuilder) build(n *node) *Case {
	c := &Case{Name: n.label, Range: n.rng}
	steps := n.all("step")
	if len(steps) == 0 {
		if n.one("expect") == nil {
			b.d.absent(&n.rng, "Missing block", "A case block needs the block: expect { … }.")
		}
		c.Steps = []*Step{b.step(n, n)}
		return c
	}
	for _, name := range []string{"upstream", "expect"} {
		if extra := n.one(name); extra != nil {
			b.d.wrong(extra.rng, "Misplaced block", "In a case of steps, the block %s belongs to a step.", name)
		}
	}
	expects := false
	for _, s := range steps {
		step := b.step(s, n)
		step.Name = s.label
		expects = expects || step.Expect != nil
		c.Steps = append(c.Steps, step)
	}
	if !expects {
		b.d.absent(&n.rng, "Missing block", "None of the steps has the block expect { … }, so that the case would say nothing.")
	}
	return c
}

// step makes a step of the block n, which is the case itself where that has no steps.
func (b *caseBuilder) step(n, around *node) *Step {
	s := &Step{At: take[time.Time](n, "at"), Range: n.rng}
	if s.At.IsZero() {
		s.At = take[time.Time](around, "at")
	}
	as := n.one("as")
	if as == nil {
		as = around.one("as")
	}
	if as != nil {
		s.As = caller(as)
	}
	if r := n.one("request"); r != nil {
		s.Request = b.request(r)
	}
	for _, a := range n.all("upstream") {
		s.Upstream = append(s.Upstream, &Answer{
			Status: int(take[int64](a, "status")), Headers: take[[]Field](a, "headers"), Body: b.content(a), Down: take[bool](a, "down"),
		})
	}
	if e := n.one("expect"); e != nil {
		s.Expect = b.expectation(e)
	}
	return s
}

func caller(n *node) *Caller {
	c := &Caller{
		Consumer: take[string](n, "consumer"), Identity: take[string](n, "identity"), Name: take[string](n, "name"),
		Claims: take[json.RawMessage](n, "claims"), Version: take[string](n, "version"), Plan: take[string](n, "plan"), Range: n.rng, IdentityRange: n.place("identity"),
	}
	if n.written("scopes") { // none at all is something else than what the claims say
		c.Scopes = append([]string{}, texts(n, "scopes")...)
	}
	if n.written("groups") {
		c.Groups = append([]string{}, texts(n, "groups")...)
	}
	return c
}

func (b *caseBuilder) request(n *node) Request {
	method, target, _ := strings.Cut(n.label, " ")
	r := Request{
		Method: method, Target: target, Host: take[string](n, "host"), Headers: take[[]Field](n, "headers"),
		Body: b.content(n), Times: int(take[int64](n, "times")), Range: n.rng,
		Signed: take[bool](n, "signed"), SignedRange: n.place("signed"),
	}
	r.Address, _ = netip.ParseAddr(take[string](n, "address")) // it was found well formed
	return r
}

// content gives the body of a message, nil for none.
func (b *caseBuilder) content(n *node) *Content {
	var c *Content
	first := ""
	for _, name := range []string{"body", "body_file", "text"} {
		v, written := n.values[name]
		if !written {
			continue
		}
		if first != "" {
			b.d.wrong(v.name, "Contradictory block", "%s takes one of %s, not several.", upper(n.spec.title()), either([]string{"body", "body_file", "text"}))
			continue
		}
		first = name
		switch value := v.value.(type) {
		case json.RawMessage:
			c = &Content{Bytes: value, JSON: true, Range: v.rng}
		case string:
			c = &Content{Bytes: []byte(value), Range: v.rng}
		case File:
			src, err := read(value.Path, maxFile)
			if err != nil {
				b.d.wrong(v.rng, "Unreadable file", "The file %q cannot be read: %v.", value.Path, reason(err))
			}
			c = &Content{Bytes: src, JSON: jsonspan.Check(src, jsonspan.Bounds{}) == nil, Range: v.rng}
		}
	}
	return c
}

func (b *caseBuilder) expectation(n *node) *Expectation {
	e := &Expectation{
		Status: written[int64](n, "status"), Problem: written[string](n, "problem"), Detail: written[string](n, "detail"),
		Stage: written[string](n, "stage"), API: written[string](n, "api"), Version: written[string](n, "version"),
		Route: written[string](n, "route"), Consumer: written[string](n, "consumer"), Allow: written[bool](n, "allow"),
		Reasons: take[[]json.RawMessage](n, "reasons"), Forwarded: written[bool](n, "forwarded"), Headers: take[[]Field](n, "headers"),
		Body: b.content(n), Includes: take[json.RawMessage](n, "includes"), Range: n.rng, ranges: make(map[string]hcl.Range, len(n.values)),
	}
	for name, v := range n.values {
		e.ranges[name] = hcl.RangeBetween(v.name, v.rng)
	}
	for _, u := range n.all("upstream") {
		method, target, _ := strings.Cut(u.label, " ")
		e.Upstream = append(e.Upstream, &Forwarded{
			Method: method, Target: target, Headers: take[[]Field](u, "headers"), Body: b.content(u),
			Includes: take[json.RawMessage](u, "includes"), Range: u.rng, IncludesRange: u.place("includes"),
		})
	}
	if e.Forwarded != nil && !*e.Forwarded && len(e.Upstream) > 0 {
		b.d.wrong(n.place("forwarded"), "Contradictory block", "No request is expected to reach the upstream, and one is: %s.", at(e.Upstream[0].Range))
	}
	if len(n.values) == 0 && len(n.blocks) == 0 {
		b.d.absent(&n.rng, "Empty block", "The block expect says nothing that could be looked at.")
	}
	return e
}

// written gives an attribute's value, nil where none is written.
func written[T any](n *node, name string) *T {
	v, ok := n.values[name].value.(T)
	if !ok {
		return nil
	}
	return &v
}

// Folders are the folders of the catalogue's own files, in which its cases lie by default.
func (c *Catalogue) Folders() []string {
	var folders []string
	for _, path := range c.Files {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && Loads(filepath.Base(path)) {
			folders = append(folders, filepath.Dir(path))
		}
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}
