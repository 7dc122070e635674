package webform

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"mime"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// Bounds of multipart/form-data.
const (
	// DefaultMaxParts is how many parts a form may have unless its configuration says otherwise.
	DefaultMaxParts = 100
	// DefaultMaxPart is the largest part that is no file, in bytes, unless the configuration says otherwise: 64 KiB.
	DefaultMaxPart = 64 << 10

	maxPartHeader = 2048 // bytes of the header of a part
	maxBoundary   = 70   // characters (RFC 2046, section 5.1.1)
)

// FileConfig is a field that may be a file.
type FileConfig struct {
	Field string
	Types []string // media types, or "image/*"; "*/*" is any
	Max   int64    // bytes; 0 is that of the body
}

// MultipartConfig is what a form of several parts may be.
type MultipartConfig struct {
	MaxParts int   // 0 means DefaultMaxParts
	MaxPart  int64 // of a part that is no file, in bytes; 0 means DefaultMaxPart
	Files    []FileConfig
}

// Multipart reads multipart/form-data. It is immutable and serves many requests at once.
type Multipart struct {
	shape  *Shape
	config MultipartConfig
	files  map[string]FileConfig
}

// NewMultipart makes a reader of forms of a shape. A field that may be a file must be a text, its name, or an object, its
// name, type and size, or a list of these. The error is xmlform.Mistakes.
func NewMultipart(s *Shape, c MultipartConfig) (*Multipart, error) {
	if c.MaxParts == 0 {
		c.MaxParts = DefaultMaxParts
	}
	if c.MaxPart == 0 {
		c.MaxPart = DefaultMaxPart
	}
	m := &Multipart{shape: s, config: c, files: make(map[string]FileConfig)}
	var mistakes xmlform.Mistakes
	for _, f := range c.Files {
		m.files[f.Field] = f
		v := s.Member(f.Field)
		if v != nil && v.List && v.Items != nil {
			v = v.Items
		}
		if v == nil || !v.Text && !v.Object && !v.List {
			mistakes = append(mistakes, xmlform.Mistake{Schema: f.Field,
				Detail: "the schema has no member of this name that a file can be: a text, which is the file's name, an object, which has its name, type and size, or a list of them"})
		}
	}
	if mistakes != nil {
		return nil, mistakes
	}
	return m, nil
}

// Decode gives the JSON form of a form of several parts, strict JSON of at most limit bytes, and the form in which it goes
// on, which refers to src. contentType is the request's. The error is an *Error, or ErrTooLarge.
func (m *Multipart) Decode(contentType string, src []byte, limit int64) ([]byte, *Form, error) {
	boundary, err := boundaryOf(contentType)
	if err != nil {
		return nil, nil, err
	}
	form := &Form{boundary: newBoundary()}
	all := fields{shape: m.shape}
	r := partReader{rest: src, delimiter: []byte("--" + boundary), max: m.config.MaxParts}
	if err := r.begin(); err != nil {
		return nil, nil, err
	}
	for !r.done {
		part, err := r.next()
		if err == nil {
			err = m.part(&all, form, part)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	doc, failed := all.document(form, limit)
	return doc, form, failed
}

// boundaryOf reads the Content-Type strictly: a parameter that some reader knows another way to spell is refused.
func boundaryOf(contentType string) (string, *Error) {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || strings.ContainsAny(contentType, `*\`) {
		return "", malformed("the Content-Type names one boundary, plainly")
	}
	boundary := parameters["boundary"]
	if boundary == "" || len(boundary) > maxBoundary || strings.ContainsFunc(boundary, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("'()+_,-./:=?", r)
	}) {
		return "", malformed(fmt.Sprintf("the Content-Type names a boundary of 1 to %d characters", maxBoundary))
	}
	for name := range parameters {
		if name != "boundary" && name != "charset" {
			return "", malformed("the Content-Type has a boundary and nothing else")
		}
	}
	return boundary, nil
}

// newBoundary makes one that nobody can foresee, so that no file has it within.
func newBoundary() string {
	var random [16]byte
	rand.Read(random[:]) //nolint:errcheck // it never fails
	return "form-" + hex.EncodeToString(random[:])
}

// rawPart is a part as it came.
type rawPart struct {
	header, content []byte
}

// partReader takes a body apart at its delimiters.
type partReader struct {
	rest      []byte
	delimiter []byte // with its hyphens
	max       int
	parts     int
	done      bool
}

const delimiters = "parts begin and end with the boundary on a line of its own, ended by CR and LF, and nothing stands around them"

// begin reads the first delimiter.
func (r *partReader) begin() *Error {
	rest, ok := bytes.CutPrefix(r.rest, r.delimiter)
	if ok {
		r.rest, ok = bytes.CutPrefix(rest, []byte("\r\n"))
	}
	if !ok {
		return malformed(delimiters)
	}
	return nil
}

// next reads a part and the delimiter behind it.
func (r *partReader) next() (p rawPart, wrong *Error) {
	if r.parts++; r.parts > r.max {
		return p, &Error{Detail: fmt.Sprintf("a form may have %d parts at most", r.max), Large: true}
	}
	head := r.rest[:min(len(r.rest), maxPartHeader+4)]
	end := bytes.Index(head, []byte("\r\n\r\n"))
	if end < 0 {
		return p, malformed(fmt.Sprintf("the header of a part ends with an empty line, after at most %d bytes", maxPartHeader))
	}
	p.header, r.rest = r.rest[:end], r.rest[end+4:]
	if bytes.Contains(p.header, r.delimiter) {
		return p, malformed(delimiters)
	}
	at := bytes.Index(r.rest, r.delimiter)
	for at >= 0 && at > 0 && r.rest[at-1] != '\n' && r.rest[at-1] != '\r' { // in the middle of a line it is content
		next := bytes.Index(r.rest[at+1:], r.delimiter)
		if next < 0 {
			at = -1
			break
		}
		at += 1 + next
	}
	if at < 2 || r.rest[at-2] != '\r' || r.rest[at-1] != '\n' { // some readers end a part where others do not
		return p, malformed(delimiters)
	}
	p.content = r.rest[:at-2]
	r.rest = r.rest[at+len(r.delimiter):]
	switch {
	case bytes.HasPrefix(r.rest, []byte("\r\n")):
		r.rest = r.rest[2:]
	case string(r.rest) == "--" || string(r.rest) == "--\r\n":
		r.done = true
	default:
		return p, malformed(delimiters)
	}
	return p, nil
}

// part notes one part.
func (m *Multipart) part(all *fields, form *Form, p rawPart) *Error {
	h, err := readPartHeader(p.header)
	if err != nil {
		return err
	}
	if h.isFile {
		return m.filed(all, form, h, p.content)
	}
	if _, known := m.files[m.field(h.name)]; known {
		return misshapen([]string{m.field(h.name)}, "must be a file")
	}
	if int64(len(p.content)) > m.config.MaxPart {
		return &Error{Pointer: pointerTo(h.name), Detail: fmt.Sprintf("may have at most %d bytes", m.config.MaxPart), Large: true}
	}
	one := value{text: p.content}
	switch h.kind {
	case "", "text/plain":
	case "application/json":
		if err := jsonspan.Check(p.content, jsonspan.Bounds{}); err != nil {
			return &Error{Pointer: pointerTo(h.name), Detail: "must be strict JSON"}
		}
		one.json = true
	default:
		return &Error{Pointer: pointerTo(h.name), Detail: "is no file, and so must be text/plain or application/json", Media: true}
	}
	return all.add(h.name, one)
}

func pointerTo(name string) string { return jsonspan.Join([]string{name}) }

// field is the field that a name is of, files[] of files.
func (m *Multipart) field(name string) string {
	first, _, nested := strings.Cut(name, "[")
	if _, known := m.files[first]; nested && known && m.shape.Member(name) == nil {
		return first
	}
	return name
}

// filed notes a part that is a file.
func (m *Multipart) filed(all *fields, form *Form, h partHeader, content []byte) *Error {
	field := m.field(h.name)
	c, known := m.files[field]
	switch {
	case h.filename == "" && len(content) == 0: // what a browser sends where nobody chose a file
		return nil
	case !known:
		return misshapen([]string{field}, "may not be a file")
	case h.filename == "":
		return &Error{Pointer: pointerTo(h.name), Detail: "is a file without a name"}
	case c.Max > 0 && int64(len(content)) > c.Max:
		return &Error{Pointer: pointerTo(h.name), Detail: fmt.Sprintf("may have at most %d bytes", c.Max), Large: true}
	}
	kind, err := typeOf(h.kind, content)
	if err == "" && !taken(c.Types, kind) {
		err = "is a file of a type that is not taken here"
	}
	if err != "" {
		return &Error{Pointer: pointerTo(h.name), Detail: err, Media: true}
	}
	f := &File{Name: CleanName(h.filename), Type: kind, content: content}
	if form.files == nil {
		form.files = make(map[string][]*File)
	}
	form.files[field] = append(form.files[field], f)
	return all.add(h.name, value{file: f})
}
