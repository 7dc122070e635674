package webform

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"
)

// partHeader is what the header of a part says.
type partHeader struct {
	name     string
	filename string
	isFile   bool
	kind     string // the media type, in lower case and without parameters; "" for none
}

const partFields = "a part has one Content-Disposition and perhaps one Content-Type"

// readPartHeader reads the header of a part: RFC 7578, of which what readers differ in is refused.
func readPartHeader(raw []byte) (h partHeader, err *Error) {
	seen := make(map[string]bool, 2)
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) || !utf8.Valid(line) {
			return h, malformed("the header of a part is UTF-8 without control characters, in lines ended by CR and LF")
		}
		name, text, ok := strings.Cut(string(line), ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return h, malformed(partFields)
		}
		name, text = strings.ToLower(name), strings.Trim(text, " \t")
		if seen[name] {
			return h, malformed(partFields)
		}
		seen[name] = true
		switch name {
		case "content-disposition":
			err = h.disposition(text)
		case "content-type":
			err = h.contentType(text)
		case "content-length": // some programs write it; nobody reads it
		case "content-transfer-encoding": // out of use (RFC 7578, section 4.7), and some readers decode by it
			if word := strings.ToLower(text); word != "binary" && word != "8bit" {
				err = malformed("a part has no Content-Transfer-Encoding")
			}
		default:
			err = malformed(partFields)
		}
		if err != nil {
			return h, err
		}
	}
	if !seen["content-disposition"] {
		return h, malformed(partFields)
	}
	return h, nil
}

const disposition = `a part has a Content-Disposition such as: form-data; name="field"; filename="name.png"`

// disposition reads a Content-Disposition. Names with the extensions of RFC 2231 are refused, as RFC 7578 asks, and so is
// a backslash before a quote: some readers take it for an escape, and others for the end of a path.
func (h *partHeader) disposition(text string) *Error {
	kind, rest, _ := strings.Cut(text, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "form-data") {
		return malformed(disposition)
	}
	seen := make(map[string]bool, 2)
	for more := true; more; {
		name, after, ok := strings.Cut(rest, "=")
		name = strings.ToLower(strings.Trim(name, " \t"))
		if !ok || name != "name" && name != "filename" || seen[name] {
			return malformed(disposition)
		}
		seen[name] = true
		var text string
		if text, rest, ok = parameterText(after); !ok {
			return malformed(disposition)
		}
		rest = strings.TrimLeft(rest, " \t")
		if rest, more = strings.CutPrefix(rest, ";"); !more && rest != "" {
			return malformed(disposition)
		}
		if name == "name" {
			h.name = text
		} else {
			h.filename, h.isFile = text, true
		}
	}
	// Browsers write a quote and a line end in a name so; what a reader makes of that differs.
	for _, escape := range []string{"%22", "%0d", "%0a"} {
		if strings.Contains(strings.ToLower(h.name), escape) {
			return malformed(disposition)
		}
	}
	if !seen["name"] || h.name == "" || strings.Contains(h.name, `\`) {
		return malformed(disposition)
	}
	return nil
}

// parameterText reads the value of a parameter: between quotes, or a token.
func parameterText(s string) (text, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	quoted, ok := strings.CutPrefix(s, `"`)
	if !ok {
		end := strings.IndexAny(s, "; \t")
		if end < 0 {
			end = len(s)
		}
		text = s[:end]
		return text, s[end:], text != "" && !strings.ContainsAny(text, `"\(),/:<=>?@[]{}%*`)
	}
	text, rest, ok = strings.Cut(quoted, `"`)
	return text, rest, ok && !strings.HasSuffix(text, `\`)
}

// contentType reads the type of a part.
func (h *partHeader) contentType(text string) *Error {
	kind, parameters, err := mime.ParseMediaType(text)
	if err != nil || strings.ContainsAny(text, `*\`) {
		return malformed("the Content-Type of a part cannot be understood")
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return &Error{Detail: "a part is UTF-8, whatever its Content-Type says", Media: true}
	}
	if strings.HasPrefix(kind, "multipart/") || strings.HasPrefix(kind, "message/") {
		return &Error{Detail: "a part has no parts of its own", Media: true}
	}
	h.kind = kind
	return nil
}
