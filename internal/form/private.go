package form

import (
	"net/http"
	"strings"
)

// Private keeps an answer from caches that callers share, unless nobody may keep it anyway (RFC 9111, section 5.2.2).
func Private(h http.Header) {
	// Where shared caches have directives of their own, those come before Cache-Control (RFC 9213).
	for _, name := range []string{"Cdn-Cache-Control", "Surrogate-Control"} {
		delete(h, name)
	}
	var kept []string
	for _, line := range h["Cache-Control"] {
		for directive := range tags(line) { // for the commas in quotes
			name, _, qualified := strings.Cut(strings.ToLower(directive), "=")
			switch strings.TrimSpace(name) {
			case "no-store":
				return
			case "private":
				if !qualified {
					return
				}
			case "public", "s-maxage":
				continue
			}
			kept = append(kept, directive)
		}
	}
	h["Cache-Control"] = []string{strings.Join(append(kept, "private"), ", ")}
}
