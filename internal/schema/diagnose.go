package schema

import (
	"bytes"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// diagnose tells a mistake at its place, or as near to it as the compiler says.
func (f *folder) diagnose(root string, err error) hcl.Diagnostics {
	var (
		broken   *sourceError
		older    *dialectError
		foreign  *foreignError
		invalid  *jsonschema.SchemaValidationError
		load     *jsonschema.LoadURLError
		pattern  *jsonschema.InvalidRegexError
		anchor   *jsonschema.AnchorNotFoundError
		pointer  *jsonschema.JSONPointerNotFoundError
		twice    *jsonschema.DuplicateAnchorError
		twiceID  *jsonschema.DuplicateIDError
		id       *jsonschema.ParseIDError
		badFrag  *jsonschema.ParseAnchorError
		metaURL  *jsonschema.InvalidMetaSchemaURLError
		draft    *jsonschema.UnsupportedDraftError
		unparsed *jsonschema.ParseURLError
	)
	if errors.As(err, &load) && (errors.As(load.Err, &broken) || errors.As(load.Err, &older)) {
		err = load.Err // a mistake in the other file, not in the reference to it
	}
	switch {
	case errors.As(err, &broken):
		return f.at(broken.url, broken.offset, broken.offset+1, "Broken schema file", sentence(broken.error.Error()))
	case errors.As(err, &older):
		return f.member(older.url, []string{"$schema"}, "Unknown version of JSON Schema", "Expected JSON Schema 2020-12, "+quote(dialect)+".")
	case errors.As(err, &foreign):
		return f.place(foreign.at, "Unknown version of JSON Schema", "Expected JSON Schema 2020-12, "+quote(dialect)+".")
	case errors.As(err, &invalid):
		return f.invalid(root, invalid)
	case errors.As(err, &pattern):
		return f.place(pattern.URL, "Invalid pattern", sentence("the pattern is no regular expression of Go's (RE2) syntax: "+cause(pattern.Err)))
	case errors.As(err, &load):
		return f.reference(root, load.URL, "Reference leads nowhere", f.why(load.Err))
	case errors.As(err, &anchor):
		return f.reference(root, anchor.Reference, "Reference leads nowhere", "There is no $anchor of this name.")
	case errors.As(err, &pointer):
		return f.reference(root, pointer.URL, "Reference leads nowhere", "There is nothing at this place of the schema.")
	case errors.As(err, &twice):
		return f.place(twice.URL+"#"+twice.Ptr2, "Duplicate $anchor", "The name "+quote(twice.Anchor)+" is used twice.")
	case errors.As(err, &twiceID):
		return f.place(twiceID.URL+"#"+twiceID.Ptr2, "Duplicate $id", "Two parts of the schema have the same $id.")
	case errors.As(err, &id):
		return f.place(id.URL, "Invalid $id", "Expected a URI reference.")
	case errors.As(err, &badFrag):
		return f.place(badFrag.URL, "Invalid $id", "Expected a URI reference without a fragment.")
	case errors.As(err, &metaURL), errors.As(err, &draft):
		return f.member(root, []string{"$schema"}, "Unknown version of JSON Schema", "Expected JSON Schema 2020-12, "+quote(dialect)+".")
	case errors.As(err, &unparsed):
		return f.reference(root, unparsed.URL, "Invalid reference", "Expected a URI reference.")
	}
	return f.at(root, 0, 0, "Invalid schema", sentence(f.why(err)))
}

// why says why a file could not be loaded, without the words of the machine's own calls.
func (f *folder) why(err error) string {
	var read *readError
	switch {
	case errors.As(err, &read) && errors.Is(read, fs.ErrNotExist):
		return "There is no such file in the schema's folder."
	case errors.As(err, &read) && errors.Is(read, fs.ErrPermission):
		return "The file may not be read."
	case errors.As(err, &read):
		return sentence("the file cannot be read: " + read.Error())
	case errors.Is(err, errElsewhere), errors.Is(err, errTooMany):
		return sentence(cause(err))
	}
	return "The schema cannot be compiled: " + err.Error()
}

// cause gives the innermost error.
func cause(err error) string {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err.Error()
}

// invalid tells every place where the schema breaks the meta-schema.
func (f *folder) invalid(root string, e *jsonschema.SchemaValidationError) hcl.Diagnostics {
	var diags hcl.Diagnostics
	at, base := split(e.URL)
	for _, failure := range failures(e.Err, f.part(at, base)) {
		tokens := slices.Concat(jsonspan.Split(base), jsonspan.Split(failure.Pointer))
		diags = append(diags, f.member(at, tokens, "Invalid schema", sentence(strings.TrimSpace(last(tokens)+" "+failure.Message)))...)
	}
	if diags == nil {
		return f.at(root, 0, 0, "Invalid schema", "It breaks the meta-schema of JSON Schema 2020-12.")
	}
	return diags
}

// part is the part of a file, as it was decoded, that a pointer leads to.
func (f *folder) part(at, pointer string) any {
	text := f.sources[at].text
	if raw, ok := jsonspan.Get(text, jsonspan.Split(pointer)...); ok && pointer != "" {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err == nil {
			return doc
		}
	}
	return f.sources[at].doc
}

func last(tokens []string) string {
	if len(tokens) == 0 {
		return "the schema"
	}
	return quote(tokens[len(tokens)-1])
}

// place tells a mistake at a URL whose fragment is a JSON pointer.
func (f *folder) place(at, summary, detail string) hcl.Diagnostics {
	file, pointer := split(at)
	return f.member(file, jsonspan.Split(pointer), summary, detail)
}

// member tells a mistake at a member or item, or at the nearest one around it.
func (f *folder) member(at string, tokens []string, summary, detail string) hcl.Diagnostics {
	text := f.sources[at].text
	for n := len(tokens); n > 0; n-- {
		if raw, ok := jsonspan.Get(text, tokens[:n]...); ok {
			from := cap(text) - cap(raw)
			return f.at(at, from, from+len(raw), summary, detail)
		}
	}
	return f.at(at, 0, 0, summary, detail)
}

// reference tells a mistake at the first $ref or $dynamicRef, of any file read, that leads to target.
func (f *folder) reference(root, target, summary, detail string) hcl.Diagnostics {
	wanted, fragment := split(target)
	for _, at := range f.loaded(root) {
		text := f.sources[at].text
		base, err := url.Parse(at)
		if err != nil {
			continue
		}
		if tokens := find(text, nil, base, func(u *url.URL) bool {
			file, pointer := split(u.String())
			return file == wanted && (pointer == fragment || fragment == "")
		}); tokens != nil {
			return f.member(at, tokens, summary, detail)
		}
	}
	return f.at(root, 0, 0, summary, detail+" The reference is "+quote(target)+".")
}

// loaded lists the files read, root first.
func (f *folder) loaded(root string) []string {
	urls := []string{root}
	for at := range f.sources {
		if at != root {
			urls = append(urls, at)
		}
	}
	slices.Sort(urls[1:])
	return urls
}

// find gives the way to the first reference that leads to what is wanted.
func find(raw []byte, way []string, base *url.URL, wanted func(*url.URL) bool) []string {
	if id, ok := jsonspan.Get(raw, "$id"); ok && len(raw) > 0 && raw[0] == '{' && id[0] == '"' {
		if u, err := base.Parse(jsonspan.Text(id)); err == nil {
			base = u
		}
	}
	for name, value := range jsonspan.Members(raw) {
		here := append(slices.Clone(way), jsonspan.Text(name))
		if key := here[len(way)]; (key == "$ref" || key == "$dynamicRef") && value[0] == '"' {
			if u, err := base.Parse(jsonspan.Text(value)); err == nil && wanted(u) {
				return here
			}
		}
		if found := find(value, here, base, wanted); found != nil {
			return found
		}
	}
	i := 0
	for value := range jsonspan.Items(raw) {
		if found := find(value, append(slices.Clone(way), itoa(i)), base, wanted); found != nil {
			return found
		}
		i++
	}
	return nil
}

// split parts a URL from its fragment, which it unescapes.
func split(at string) (file, fragment string) {
	file, fragment, _ = strings.Cut(at, "#")
	if plain, err := url.PathUnescape(fragment); err == nil {
		fragment = plain
	}
	return file, fragment
}

// at tells a mistake at bytes of a file.
func (f *folder) at(at string, from, to int, summary, detail string) hcl.Diagnostics {
	src, ok := f.sources[at]
	if !ok && len(f.files) > 0 {
		src.path = f.files[0]
	}
	rng := hcl.Range{Filename: src.path, Start: position(src.text, from), End: position(src.text, to)}
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &rng}}
}

func position(text []byte, offset int) hcl.Pos {
	offset = max(0, min(offset, len(text)))
	before := text[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return hcl.Pos{Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(before[start:]) + 1, Byte: offset}
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	if s[0] >= 'a' && s[0] <= 'z' {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}
