package change

import (
	"slices"
	"strings"
)

// maxPath is how many names a path may have: half of what a document may nest by default.
const maxPath = 32

const pathForm = `members' names joined by dots are expected, like "customer.name"`

// parsePath splits the path of an operation. It gives what is wrong with it, or "".
func parsePath(path string) (names []string, wrong string) {
	names = strings.Split(path, ".")
	switch {
	case path == "":
		return nil, "The path is empty; " + pathForm + "."
	case slices.Contains(names, ""):
		return nil, "The path has an empty name; " + pathForm + "."
	case strings.ContainsAny(path, "[]"):
		return nil, "A path cannot go into a list; give the list's items an object of their own, name it in holds, and write the change on that object."
	case len(names) > maxPath:
		return nil, "The path is deeper than 32 names."
	}
	return names, ""
}

// item is the token of a held path that stands for each item of a list. No name is empty, so it cannot be one.
const item = ""

// parseHeld splits the path of an object's place into names and items. It gives what is wrong with it, or "".
func parseHeld(path string) (tokens []string, wrong string) {
	const form = `members' names joined by dots are expected, with [*] for each item of a list, like "data[*].customer"`
	rest := path
	for rest != "" {
		if after, ok := strings.CutPrefix(rest, "[*]"); ok {
			tokens, rest = append(tokens, item), after
		} else {
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 || strings.ContainsAny(rest[:end], "]*") {
				return nil, "The path is malformed; " + form + "."
			}
			tokens, rest = append(tokens, rest[:end]), rest[end:]
		}
		if rest == "" || rest[0] == '[' {
			continue
		}
		if rest[0] != '.' || len(rest) == 1 || rest[1] == '[' {
			return nil, "The path is malformed; " + form + "."
		}
		rest = rest[1:]
	}
	if len(tokens) > maxPath {
		return nil, "The path is deeper than 32 steps."
	}
	return tokens, ""
}

// within says whether path is prefix or lies below it.
func within(path, prefix []string) bool {
	return len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix)
}

// below says whether path lies below prefix.
func below(path, prefix []string) bool { return len(path) > len(prefix) && within(path, prefix) }
