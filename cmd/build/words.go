package main

import (
	"errors"
	"strings"
)

// words splits flags as a shell would: at white space, with '…' and "…" kept together, and \ before the character
// it saves. Nothing is expanded.
func words(s string) ([]string, error) {
	var all []string
	var word strings.Builder
	var quote rune
	open, saved := false, false // a word is begun; the last character was \
	for _, c := range s {
		switch {
		case saved:
			if quote == '"' && c != '"' && c != '\\' {
				word.WriteRune('\\')
			}
			word.WriteRune(c)
			saved = false
		case c == '\\' && quote != '\'':
			open, saved = true, true
		case c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			open, quote = true, c
		case strings.ContainsRune(" \t\r\n", c):
			if open {
				all = append(all, word.String())
				word.Reset()
			}
			open = false
		default:
			open = true
			word.WriteRune(c)
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if saved {
		return nil, errors.New(`a \ stands at the end`)
	}
	if open {
		all = append(all, word.String())
	}
	return all, nil
}
