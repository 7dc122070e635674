package jsonspan

import (
	"strconv"
	"strings"
)

// step is one step of a way into a document: an item's index, or a member's name.
type step struct {
	index    int // -1 in an object
	from, to int // the name with its quotes; equal before there is one
}

// Locate gives the JSON pointer (RFC 6901) of the innermost value that byte offset of doc lies in; a member's value
// begins with its name. The document need not be valid behind offset.
func Locate(doc []byte, offset int) string {
	var way []step
	for i := 0; i < len(doc) && i <= offset; {
		var top *step
		if len(way) > 0 {
			top = &way[len(way)-1]
		}
		switch ch := doc[i]; {
		case ch == '"':
			end, _ := String(doc, i)
			if end < 0 {
				end = len(doc) + 1
			}
			if top != nil && top.index < 0 && top.to == 0 && (i == offset || end <= offset) {
				top.from, top.to = i, end
			}
			i = end
			continue
		case (ch == '{' || ch == '[') && i < offset:
			index := 0
			if ch == '{' {
				index = -1
			}
			way = append(way, step{index: index})
		case (ch == '}' || ch == ']') && top != nil:
			way = way[:len(way)-1]
		case ch == ',' && top != nil && i < offset:
			if top.index >= 0 {
				top.index++
			} else {
				top.from, top.to = 0, 0
			}
		}
		i++
	}
	var p strings.Builder
	for _, s := range way {
		if s.index >= 0 {
			p.WriteByte('/')
			p.WriteString(strconv.Itoa(s.index))
		} else if s.to > s.from {
			p.WriteByte('/')
			p.WriteString(escape.Replace(Text(doc[s.from:s.to])))
		}
	}
	return p.String()
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

// Escape writes a member's name as a token of a JSON pointer (RFC 6901, section 3).
func Escape(name string) string { return escape.Replace(name) }

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// Unescape reads a token of a JSON pointer as the member's name that Escape wrote.
func Unescape(token string) string { return unescape.Replace(token) }

// Split gives the tokens of a JSON pointer, unescaped; none for "", the whole document.
func Split(pointer string) []string {
	if pointer == "" {
		return nil
	}
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, t := range tokens {
		tokens[i] = unescape.Replace(t)
	}
	return tokens
}

// Join is the JSON pointer with these tokens.
func Join(tokens []string) string {
	var p strings.Builder
	for _, t := range tokens {
		p.WriteByte('/')
		p.WriteString(escape.Replace(t))
	}
	return p.String()
}
