package change

import "github.com/agext/levenshtein"

// meant is the end of a diagnostic about an unknown word: the nearest known one, if one is near.
func meant(word string, known []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := levenshtein.Distance(word, k, nil); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return ` Did you mean "` + best + `"?`
}
