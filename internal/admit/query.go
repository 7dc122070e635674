package admit

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wicketgate/wicketgate/internal/problem"
)

// checkQuery refuses a query that is not well formed, that servers split in different ways, or that hides control
// characters or broken UTF-8 in its encoding. The query itself travels on as it is.
func checkQuery(raw string, limit int) *problem.Problem {
	if raw == "" {
		return nil
	}
	if n := strings.Count(raw, "&") + 1; n > limit {
		return problem.New(problem.URITooLong, "the query may have at most "+strconv.Itoa(limit)+" parameters")
	}
	foreign := false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == ';':
			return ambiguousQuery("the query has a semicolon, which some servers take for a separator")
		case c == ' ' || c == '#':
			return ambiguousQuery("the query has a byte that has to be encoded")
		case c == '%':
			if !escape(raw[i:]) {
				return ambiguousQuery("the query has a percent sign without two hexadecimal digits")
			}
			c = unhex(raw[i+1])<<4 | unhex(raw[i+2])
			i += 2
		}
		if c < ' ' || c == 0x7f {
			return ambiguousQuery("the query has a control character")
		}
		foreign = foreign || c >= utf8.RuneSelf
	}
	if !foreign {
		return nil
	}
	// A rune cannot reach from one parameter into the next: judge each name and value by itself.
	for part := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == '&' || r == '=' }) {
		decoded, err := url.QueryUnescape(part)
		if err != nil || !utf8.ValidString(decoded) {
			return ambiguousQuery("the query is not UTF-8")
		}
		if strings.ContainsFunc(decoded, unicode.IsControl) {
			return ambiguousQuery("the query has a control character")
		}
	}
	return nil
}

func ambiguousQuery(detail string) *problem.Problem {
	return problem.New(problem.AmbiguousQuery, detail)
}
