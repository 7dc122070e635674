// Package pattern holds texts against regular expressions of Go's syntax (RE2), which say yes or no of a text and are
// made ready once, at load. Most of those that people write for codes and numbers become a table of a few hundred bytes,
// by which a text takes some nanoseconds for each of its characters.
package pattern

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// Pattern is a regular expression. It is immutable and serves many texts at once.
type Pattern struct {
	whole *regexp.Regexp
	size  int
	table *table // nil where the expression does not fit in one
}

// Compile reads an expression. Its error is one of package regexp.
func Compile(expression string) (*Pattern, error) {
	whole, err := regexp.Compile(expression)
	if err != nil {
		return nil, err
	}
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("reading the pattern %q: %w", expression, err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("compiling the pattern %q: %w", expression, err)
	}
	return &Pattern{whole: whole, size: len(program.Inst), table: newTable(program)}, nil
}

// String is the expression as it is written.
func (p *Pattern) String() string { return p.whole.String() }

// Size is how many instructions the expression has once it is compiled. The time for a text without a table is at most
// that of its length times the size: {1000} makes a thousand of what it repeats.
func (p *Pattern) Size() int { return p.size }

// Match says whether the expression is found in text.
func (p *Pattern) Match(text []byte) bool {
	if p.table != nil {
		if yes, known := match(p.table, text); known {
			return yes
		}
	}
	return p.whole.Match(text)
}

// MatchString says whether the expression is found in text.
func (p *Pattern) MatchString(text string) bool {
	if p.table != nil {
		if yes, known := match(p.table, text); known {
			return yes
		}
	}
	return p.whole.MatchString(text)
}
