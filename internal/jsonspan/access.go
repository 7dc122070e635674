package jsonspan

import "iter"

// Get gives the value that path leads to in doc, as it is spelt there, and whether there is one. A step of path is a
// member's name in an object and a decimal index in an array. Only the objects and arrays on the way are opened.
func Get(doc []byte, path ...string) (raw []byte, ok bool) {
	start := Space(doc, 0)
	for _, step := range path {
		if start >= len(doc) {
			return nil, false
		}
		found := -1
		switch doc[start] {
		case '{':
			for name, value := range spans(doc, start) {
				if Is(doc[name.start:name.end], step) {
					found = value.start
					break
				}
			}
		case '[':
			index := number(step)
			for _, value := range spans(doc, start) {
				if index == 0 {
					found = value.start
					break
				}
				index--
			}
		}
		if found < 0 {
			return nil, false
		}
		start = found
	}
	end := Value(doc, start)
	if end < 0 {
		return nil, false
	}
	return doc[start:end], true
}

// number reads an index as RFC 6901, section 4, spells it; -1 if step is none.
func number(step string) int {
	if step == "" || len(step) > 9 || step[0] == '0' && len(step) > 1 {
		return -1
	}
	n := 0
	for i := range len(step) {
		if step[i]-'0' > 9 {
			return -1
		}
		n = n*10 + int(step[i]-'0')
	}
	return n
}

// Members gives the members of the object raw in their order: the name with its quotes, and the value, both as they
// are spelt. It gives none for anything else.
func Members(raw []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		i := Space(raw, 0)
		if i >= len(raw) || raw[i] != '{' {
			return
		}
		for name, value := range spans(raw, i) {
			if !yield(raw[name.start:name.end], raw[value.start:value.end]) {
				return
			}
		}
	}
}

// Items gives the items of the array raw in their order, as they are spelt. It gives none for anything else.
func Items(raw []byte) iter.Seq[[]byte] {
	return func(yield func(item []byte) bool) {
		i := Space(raw, 0)
		if i >= len(raw) || raw[i] != '[' {
			return
		}
		for _, value := range spans(raw, i) {
			if !yield(raw[value.start:value.end]) {
				return
			}
		}
	}
}

type span struct{ start, end int }

// spans gives the members or items of what b[i] opens; the names of items are empty. It ends early where b breaks.
func spans(b []byte, i int) iter.Seq2[span, span] {
	return func(yield func(name, value span) bool) {
		object := b[i] == '{'
		i = Space(b, i+1)
		for i < len(b) && b[i] != '}' && b[i] != ']' {
			var name span
			if object {
				if b[i] != '"' {
					return
				}
				end, _ := String(b, i)
				if end < 0 {
					return
				}
				name = span{i, end}
				if i = Space(b, end); i >= len(b) || b[i] != ':' {
					return
				}
				i = Space(b, i+1)
			}
			end := Value(b, i)
			if end < 0 || !yield(name, span{i, end}) {
				return
			}
			if i = Space(b, end); i >= len(b) || b[i] != ',' {
				return
			}
			i = Space(b, i+1)
		}
	}
}

// Is says whether the string raw, quotes included, spells text.
func Is(raw []byte, text string) bool {
	if len(raw) < 2 {
		return false
	}
	if string(raw[1:len(raw)-1]) == text {
		// What spells itself has no escape.
		for i := range len(text) {
			if text[i] == '\\' {
				return Text(raw) == text
			}
		}
		return true
	}
	if len(raw)-2 <= len(text) {
		return false // an escape is longer than what it stands for
	}
	for _, ch := range raw {
		if ch == '\\' {
			return Text(raw) == text
		}
	}
	return false
}
