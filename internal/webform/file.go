package webform

import (
	"bytes"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// File is a file in a form.
type File struct {
	Name    string // clean
	Type    string // what it is by its content, and by what was said of it
	content []byte
}

// file writes what the document says of a file.
func (d *document) file(v *xmlform.Value, f *File) *Error {
	switch {
	case v.Object:
		d.dst = jsonspan.AppendQuote(append(d.dst, `{"name":`...), f.Name)
		d.dst = jsonspan.AppendQuote(append(d.dst, `,"type":`...), f.Type)
		d.dst = append(strconv.AppendInt(append(d.dst, `,"size":`...), int64(len(f.content)), 10), '}')
	case v.Text:
		d.dst = jsonspan.AppendQuote(d.dst, f.Name)
	default:
		return d.wrong("may not be a file")
	}
	return nil
}

// maxFileName bounds a file's name, in bytes: what file systems take.
const maxFileName = 200

// CleanName makes a name of a file that leads nowhere and surprises nobody: the last name of a path, without control
// characters and those that turn the direction of writing, without what shells and file systems give a meaning, and with no
// dot or blank at its ends. It is never empty.
func CleanName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) ||
			r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef:
			return -1
		case strings.ContainsRune("<>:\"|?*;%$`'&#{}", r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	if len(name) > maxFileName {
		ending := path.Ext(name)
		if len(ending) > 16 {
			ending = ""
		}
		name = cut(name[:len(name)-len(ending)], maxFileName-len(ending)) + ending
		name = strings.Trim(name, " .")
	}
	if name == "" {
		return "file"
	}
	if stem, _, _ := strings.Cut(strings.ToUpper(name), "."); slices.Contains(devices, strings.TrimSpace(stem)) {
		return "_" + name
	}
	return name
}

// devices are names that are no files on some systems.
var devices = []string{"CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
	"LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9"}

// cut gives at most so many bytes of a text, of whole characters.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// unsaid is what a program calls a file of which it knows nothing.
const unsaid = "application/octet-stream"

// typeOf gives the type of a file: what its content shows (https://mimesniff.spec.whatwg.org), and what was said of it
// where that is more exact. What was said must agree, so that nobody is told that a page is a picture.
func typeOf(said string, content []byte) (kind, wrong string) {
	shown, _, _ := strings.Cut(http.DetectContentType(content), ";")
	switch {
	case said == "" || said == unsaid || said == shown:
		return shown, ""
	case agrees(said, shown, content):
		return said, ""
	}
	return "", "is not what its Content-Type says"
}

// zipped are types whose files are archives in ZIP.
var zipped = []string{"application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.", "application/vnd.ms-", "application/epub+zip",
	"application/java-archive", "application/x-zip-compressed"}

// agrees says whether a type that was said may be what is shown: one that sniffing cannot tell from another.
func agrees(said, shown string, content []byte) bool {
	text := strings.HasPrefix(said, "text/") && said != "text/html" && said != "text/xml"
	switch shown {
	case "text/plain": // which all texts are whose first bytes say nothing else
		return text || said == "image/svg+xml" && bytes.HasPrefix(bytes.TrimLeft(content, " \t\r\n"), []byte("<svg")) ||
			said == "application/json" && jsonspan.Check(content, jsonspan.Bounds{}) == nil || said == "application/x-ndjson" || said == "application/yaml"
	case "text/xml":
		return said == "application/xml" || strings.HasSuffix(said, "+xml")
	case "application/zip":
		return slices.ContainsFunc(zipped, func(of string) bool { return strings.HasPrefix(said, of) })
	case "application/x-gzip":
		return said == "application/gzip"
	case "image/x-icon":
		return said == "image/vnd.microsoft.icon"
	case "audio/wave":
		return said == "audio/wav" || said == "audio/x-wav"
	case "video/mp4":
		return said == "audio/mp4"
	case unsaid: // of which sniffing knows nothing: a type that it would know is not what was said
		return !slices.ContainsFunc(sniffed, func(of string) bool { return strings.HasPrefix(said, of) }) && !text
	}
	return false
}

// sniffed are types, or what they begin with, whose files show what they are.
var sniffed = []string{"text/html", "text/xml", "application/xml", "application/json", "application/pdf", "application/postscript", "application/zip", "application/x-gzip", "application/gzip",
	"application/x-rar-compressed", "application/wasm", "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.", "image/png", "image/jpeg", "image/gif",
	"image/webp", "image/bmp", "image/svg", "image/x-icon", "video/mp4", "video/webm", "video/avi", "audio/wave", "audio/aiff", "audio/midi", "font/"}

// taken says whether a type is one of those that are taken.
func taken(types []string, kind string) bool {
	return slices.ContainsFunc(types, func(of string) bool {
		if all, ok := strings.CutSuffix(of, "/*"); ok {
			return all == "*" || strings.HasPrefix(kind, all+"/")
		}
		return of == kind
	})
}

// part writes a part that is no file.
func (w *formWriter) part(name string, raw []byte) error {
	return w.parts(name, "", "", []byte(text(raw)))
}

// parts writes a part: a file where it has a file's name.
func (w *formWriter) parts(name, filename, kind string, content []byte) error {
	if strings.ContainsAny(name, "\"\\\r\n") {
		return errNoForm
	}
	w.out = append(append(append(w.out, "--"...), w.boundary...), "\r\nContent-Disposition: form-data; name=\""...)
	w.out = append(append(w.out, name...), '"')
	if filename != "" {
		w.out = append(append(append(w.out, `; filename="`...), filename...), '"')
	}
	if kind != "" {
		w.out = append(append(w.out, "\r\nContent-Type: "...), kind...)
	}
	w.out = append(append(w.out, "\r\n\r\n"...), content...)
	w.out = append(w.out, "\r\n"...)
	return nil
}

// fileParts writes the files of a field, by the names that the document gives them now.
func (w *formWriter) fileParts(name string, files []*File, raw []byte) error {
	var names []string
	note := func(raw []byte) {
		if raw[0] == '{' {
			raw, _ = jsonspan.Get(raw, "name")
		}
		names = append(names, CleanName(text(raw)))
	}
	if isList(raw) {
		for item := range jsonspan.Items(raw) {
			note(item)
		}
	} else {
		note(raw)
	}
	if len(names) != len(files) {
		return errNoForm
	}
	if w.styles[key([]string{name})] == bracketed {
		name += "[]"
	}
	for i, f := range files {
		if err := w.parts(name, names[i], f.Type, f.content); err != nil {
			return err
		}
	}
	w.files += len(files)
	return nil
}

// end gives the whole form. A file that no stage may have taken away is in it.
func (w *formWriter) end() ([]byte, error) {
	files := 0
	for _, of := range w.Form.files {
		files += len(of)
	}
	if w.files != files {
		return nil, errNoForm
	}
	if w.boundary != "" {
		w.out = append(append(append(w.out, "--"...), w.boundary...), "--\r\n"...)
	}
	return w.out, nil
}

// ContentType is what the form is called; "" where it is as it came.
func (f *Form) ContentType() string {
	if f.boundary == "" {
		return ""
	}
	return "multipart/form-data; boundary=" + f.boundary
}
