package attacks

import (
	"fmt"
	"strings"
)

// spelling is a way to write a path that some server reads as another writing of it.
type spelling struct {
	name  string
	write func(segments []string) []string // in any number of places
}

// at makes a spelling of what it does to one segment, for each segment.
func at(name string, change func(segment string) string) spelling {
	return spelling{name, func(segments []string) []string {
		var all []string
		for i := range segments {
			changed := append(append(append([]string{}, segments[:i]...), change(segments[i])), segments[i+1:]...)
			all = append(all, "/"+strings.Join(changed, "/"))
		}
		return all
	}}
}

// between makes a spelling of what it writes for a slash, for each but the first.
func between(name, slash string) spelling {
	return spelling{name, func(segments []string) []string {
		var all []string
		for i := 1; i < len(segments); i++ {
			all = append(all, "/"+strings.Join(segments[:i], "/")+slash+strings.Join(segments[i:], "/"))
		}
		return all
	}}
}

// around makes a spelling of what it writes before and behind the path.
func around(name, before, behind string) spelling {
	return spelling{name, func(segments []string) []string { return []string{before + "/" + strings.Join(segments, "/") + behind} }}
}

func escaped(text, format string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, format, text[i])
	}
	return b.String()
}

// spellings are those that are generated.
func spellings() []spelling {
	all := []spelling{
		around("as it is", "", ""), around("a slash behind", "", "/"), around("a slash before", "/", ""), around("two slashes behind", "", "//"),
		around("a dot before", "/.", ""), around("a dot behind", "", "/."), around("an encoded dot behind", "", "/%2e"),
		around("a parent behind", "", "/x/.."), around("a parent behind an encoded slash", "", "%2f.."), around("a parent with a parameter behind", "", "/x/..;"),
		around("a query", "", "?x=/"), around("an empty query", "", "?"), around("an encoded question mark", "", "%3f"), around("an encoded hash", "", "%23"),
		around("a NUL behind", "", "%00"), around("a blank behind", "", "%20"), around("a tab behind", "", "%09"), around("a line break behind", "", "%0a"),
		around("an ending", "", ".json"), around("a dot at the end", "", "."), around("an encoded slash behind", "", "%2f"), around("a backslash behind", "", "%5c"),
		around("a semicolon behind", "", ";"), around("a tilde behind", "", "~"), around("another path before", "/site/public/..", ""), around("another path before, encoded", "/site/public/%2e%2e", ""),
		around("an encoded slash before", "/%2f", ""), around("a backslash before", "/%5c", ""), around("an address", "https://localhost", ""),
		between("two slashes", "//"), between("three slashes", "///"), between("an encoded slash", "%2f"), between("an encoded slash in capitals", "%2F"), between("a slash encoded twice", "%252f"),
		between("a backslash", "\\"), between("an encoded backslash", "%5c"), between("a dot", "/./"), between("an encoded dot", "/%2e/"), between("a parent", "/x/../"), between("an encoded parent", "/x/%2e%2e/"),
		between("a parent of which a dot is encoded", "/x/.%2e/"), between("a parent with a parameter", "/x/..;/"), between("a parent with a parameter, encoded", "/x/..%3b/"), between("a parent and a backslash", "/x/..%5c"),
		between("a parent, encoded twice", "/x/%252e%252e/"), between("a parameter", ";a=b/"), between("an empty parameter", ";/"), between("a NUL", "%00/"), between("a blank", "%20/"), between("an encoded blank before", "/%20"),
		between("an overlong slash", "%c0%af"), between("a wide slash", "%ef%bc%8f"), between("a division slash", "%e2%88%95"), between("a line break", "%0d%0a/"), between("three dots", "/.../"), between("a dot at the end", "./"),
		between("an empty segment of a tab", "/%09/"), between("an escape of IIS", "%u002f"), between("a plus sign", "+/"),
	}
	return append(all,
		at("in capitals", strings.ToUpper),
		at("the first letter in capitals", func(s string) string { return strings.ToUpper(s[:1]) + s[1:] }),
		at("the first letter encoded", func(s string) string { return escaped(s[:1], "%%%02x") + s[1:] }),
		at("all of it encoded", func(s string) string { return escaped(s, "%%%02x") }),
		at("all of it encoded, in capitals", func(s string) string { return escaped(s, "%%%02X") }),
		at("the first letter encoded twice", func(s string) string { return escaped(s[:1], "%%25%02x") + s[1:] }),
		at("an escape cut off", func(s string) string { return s + "%" }),
		at("an escape of one digit", func(s string) string { return s + "%6" }),
		at("a wide letter", func(s string) string { return "\uff41" + s[1:] }),
		at("a byte that is no UTF-8", func(s string) string { return s + "%ff" }),
		at("a combining accent", func(s string) string { return s + "%cc%81" }),
		at("a zero-width joiner", func(s string) string { return s + "%e2%80%8d" }),
		at("a star", func(s string) string { return s[:1] + "*" }),
		at("braces", func(s string) string { return "{" + s + "}" }),
	)
}
