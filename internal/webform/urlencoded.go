package webform

import (
	"bytes"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Decode gives the JSON form of the urlencoded form src, strict JSON as jsonspan.Check demands it, of at most limit bytes,
// and the form in which it goes on. The error is an *Error, or ErrTooLarge. It takes time linear in len(src).
func (s *Shape) Decode(src []byte, limit int64) ([]byte, *Form, error) {
	all := fields{shape: s}
	for rest, more := src, true; more; {
		var pair []byte
		pair, rest, more = bytes.Cut(rest, []byte("&"))
		if len(pair) == 0 {
			return nil, nil, malformed("something is missing before or after &")
		}
		name, text, _ := bytes.Cut(pair, []byte("="))
		name, err := unescape(name)
		if err == nil {
			text, err = unescape(text)
		}
		if err == nil {
			err = all.add(string(name), value{text: text})
		}
		if err != nil {
			return nil, nil, err
		}
	}
	form := &Form{}
	doc, err := all.document(form, limit)
	return doc, form, err
}

// unescape decodes a name or value. Of what needs no escape, only ASCII may stand for itself, and nothing that some reader
// takes for the end of a pair.
func unescape(raw []byte) ([]byte, *Error) {
	plain := true
	for i := 0; i < len(raw); i++ {
		switch ch := raw[i]; {
		case ch == '%':
			if i+2 >= len(raw) || digit(raw[i+1]) < 0 || digit(raw[i+2]) < 0 {
				return nil, malformed("a percent sign is followed by two hexadecimal digits")
			}
			plain = false
			i += 2
		case ch == '+':
			plain = false
		case ch <= ' ' || ch >= 0x7f || ch == ';':
			return nil, malformed("blanks, control characters, semicolons and what is not ASCII are written with a percent sign")
		}
	}
	if plain {
		return raw, nil
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '%':
			out = append(out, byte(digit(raw[i+1])<<4|digit(raw[i+2])))
			i += 2
		case '+':
			out = append(out, ' ')
		default:
			out = append(out, raw[i])
		}
	}
	return out, nil
}

func digit(ch byte) int {
	switch {
	case ch >= '0' && ch <= '9':
		return int(ch - '0')
	case ch >= 'a' && ch <= 'f':
		return int(ch-'a') + 10
	case ch >= 'A' && ch <= 'F':
		return int(ch-'A') + 10
	}
	return -1
}

// style is how the items of a list are written.
type style uint8

const (
	repeated  style = iota // name=a&name=b
	bracketed              // name[]=a&name[]=b
	numbered               // name[0]=a&name[1]=b
	inJSON                 // as one part in JSON
)

// Form is how a form goes on. It belongs to one request.
type Form struct {
	styles   map[string]style   // of what is not written plainly, by its way without numbers
	files    map[string][]*File // by the field's name
	boundary string             // of multipart/form-data, "" for a form that is urlencoded
}

func (f *Form) note(way []string, s style) {
	if f.styles == nil {
		f.styles = make(map[string]style)
	}
	f.styles[key(way)] = s
}

// key names a way, whatever the numbers on it.
func key(way []string) string {
	var b strings.Builder
	for i, token := range way {
		if i > 0 && index(token) {
			token = "*"
		}
		b.WriteString(token + "\x00")
	}
	return b.String()
}

// errNoForm says that a document, which stages have changed, is none that a form can carry.
var errNoForm = errors.New("this is nothing that a web form can carry")

// Write gives the form of a document that was one, or of what has become of it.
func (f *Form) Write(doc []byte) ([]byte, error) {
	w := formWriter{Form: f}
	if f.boundary == "" {
		w.put = w.pair
	} else {
		w.put = w.part
	}
	for name, raw := range jsonspan.Members(doc) {
		if err := w.value([]string{jsonspan.Text(name)}, jsonspan.Text(name), raw); err != nil {
			return nil, err
		}
	}
	return w.end()
}

// formWriter is a form being written.
type formWriter struct {
	*Form
	out   []byte
	put   func(name string, raw []byte) error
	files int // written
}

func (w *formWriter) pair(name string, raw []byte) error {
	if w.out != nil {
		w.out = append(w.out, '&')
	}
	w.out = append(append(append(w.out, url.QueryEscape(name)...), '='), url.QueryEscape(text(raw))...)
	return nil
}

// value writes what lies at a way under a name.
func (w *formWriter) value(way []string, name string, raw []byte) error {
	if files := w.Form.files[name]; files != nil && len(way) == 1 {
		return w.fileParts(name, files, raw)
	}
	if len(way) > maxNested || len(raw) == 0 {
		return errNoForm
	}
	if w.styles[key(way)] == inJSON {
		return w.parts(name, "", "application/json", raw)
	}
	switch raw[0] {
	case '{':
		for member, raw := range jsonspan.Members(raw) {
			token := jsonspan.Text(member)
			if strings.ContainsAny(token, "[]") || token == "" {
				return errNoForm
			}
			if err := w.value(append(way, token), name+"["+token+"]", raw); err != nil {
				return err
			}
		}
		return nil
	case '[':
		return w.items(way, name, raw)
	}
	return w.put(name, raw)
}

func (w *formWriter) items(way []string, name string, raw []byte) error {
	as := w.styles[key(way)]
	if as == repeated && len(way) > 1 {
		as = bracketed
	}
	json := w.styles[key(append(way, "0"))] == inJSON
	for item := range jsonspan.Items(raw) {
		if !json && (item[0] == '{' || item[0] == '[') {
			as = numbered
		}
	}
	i := 0
	for item := range jsonspan.Items(raw) {
		number := strconv.Itoa(i)
		called := name
		switch as {
		case bracketed:
			called += "[]"
		case numbered:
			called += "[" + number + "]"
		}
		var err error
		if as == numbered || json {
			err = w.value(append(way, number), called, item)
		} else {
			err = w.put(called, item)
		}
		if err != nil {
			return err
		}
		i++
	}
	return nil
}

// text is a value as a field has it.
func text(raw []byte) string {
	switch {
	case len(raw) > 0 && raw[0] == '"':
		return jsonspan.Text(raw)
	case string(raw) == "null":
		return ""
	}
	return string(raw)
}
