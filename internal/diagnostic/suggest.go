package diagnostic

import (
	"strings"

	"github.com/agext/levenshtein"
)

// longest is the longest name, in bytes, that a suggestion is sought for: the distance takes time in its square.
const longest = 128

// Suggest gives the known name nearest to the given one, or "" if none is near: at most a third of its characters
// may differ, and at most three. A name that differs only in case is nearest of all. Of equally near names the first
// wins.
func Suggest(given string, known []string) string {
	if given == "" || len(given) > longest {
		return ""
	}
	best, distance := "", min(3, max(1, (len([]rune(given))+1)/3))+1
	for _, name := range known {
		if len(name) > longest || name == given {
			continue
		}
		d := 0
		if !strings.EqualFold(name, given) {
			d = levenshtein.Distance(given, name, nil)
		}
		if d < distance {
			best, distance = name, d
		}
	}
	return best
}

// DidYouMean is the sentence that offers the known name nearest to the given one, with a space in front; "" if none
// is near.
func DidYouMean(given string, known []string) string {
	name := Suggest(given, known)
	if name == "" {
		return ""
	}
	return ` Did you mean "` + name + `"?`
}
