package form

import (
	"iter"
	"strings"
)

// Ranges gives the media ranges of Accept and the weight of each in thousandths (RFC 9110, section 12.5.1). One whose
// weight is malformed, as some clients send such, is taken for the least: Java's own says "*/*; q=.2".
func Ranges(lines []string) iter.Seq2[string, int] {
	return func(yield func(mediaRange string, weight int) bool) {
		for _, line := range lines {
			for line != "" {
				var element string
				element, line = CutQuoted(line, ',')
				mediaRange, parameters := CutQuoted(element, ';')
				mediaRange = strings.Trim(mediaRange, " \t")
				weight, ok := Weight(parameters)
				if !ok {
					weight = 1
				}
				if mediaRange != "" && !yield(mediaRange, weight) {
					return
				}
			}
		}
	}
}

// Weigh gives the weight that Accept gives a media type, in thousandths: that of the range that fits it most closely.
// It is 0 for one that is not acceptable. Where Accept names nothing, everything is as good.
func Weigh(lines []string, mediaType string) int {
	family, _, _ := strings.Cut(mediaType, "/")
	best, closest, empty := 0, 0, true
	for mediaRange, weight := range Ranges(lines) {
		fits := 0
		empty = false
		switch {
		case strings.EqualFold(mediaRange, mediaType):
			fits = 3
		case len(mediaRange) == len(family)+2 && strings.HasSuffix(mediaRange, "/*") && strings.EqualFold(mediaRange[:len(family)], family):
			fits = 2
		case mediaRange == "*/*":
			fits = 1
		}
		if fits > closest || fits == closest && fits > 0 && weight > best {
			best, closest = weight, fits
		}
	}
	if empty {
		return 1000
	}
	return best
}

// CutQuoted cuts s at the first sep outside of a quoted string (RFC 9110, section 5.6.4).
func CutQuoted(s string, sep byte) (before, after string) {
	first := strings.IndexByte(s, sep)
	if first < 0 {
		return s, ""
	}
	if strings.IndexByte(s[:first], '"') < 0 {
		return s[:first], s[first+1:]
	}
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// Trim takes off the white space that may stand around the members of a list and their parameters (RFC 9110, section
// 5.6.3).
func Trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// Weight finds the weight among the parameters of a media range, in thousandths; 1000 where there is none. ok is false
// for one that is malformed (RFC 9110, section 12.4.2).
func Weight(parameters string) (thousandths int, ok bool) {
	for parameters != "" {
		var parameter string
		parameter, parameters = CutQuoted(parameters, ';')
		name, value, _ := strings.Cut(Trim(parameter), "=")
		if strings.EqualFold(name, "q") {
			return quality(value)
		}
	}
	return 1000, true
}

func quality(s string) (thousandths int, ok bool) {
	if s == "" || len(s) > 5 || s[0] != '0' && s[0] != '1' || len(s) > 1 && s[1] != '.' {
		return 0, false
	}
	thousandths = int(s[0]-'0') * 1000
	unit := 100
	for i := 2; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		thousandths += int(s[i]-'0') * unit
		unit /= 10
	}
	return thousandths, thousandths <= 1000
}
