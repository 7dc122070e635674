package rule

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/hashicorp/hcl/v2"
)

// parse reads expr-lang. offsets gives, for each byte of text and for its end, the byte of the file it stands for,
// since text may come out of a quoted string of HCL. exact gets what numbers a float would round are written as.
func parse(text string, offsets []int, at source, exact map[*ast.FloatNode]value) (ast.Node, hcl.Diagnostics) {
	runes := make([]int, 0, len(text)+1) // of each rune and of the end: its byte of the file
	for i := range text {
		runes = append(runes, offsets[i])
	}
	runes = append(runes, offsets[len(text)])
	inFile := func(l file.Location) file.Location {
		last := len(runes) - 1
		from := runes[min(max(l.From, 0), last)]
		return file.Location{From: from, To: max(from, runes[min(max(l.To, 0), last)])}
	}
	if !utf8.ValidString(text) {
		return nil, at.mistake(at.whole(), "Invalid expression", "The expression is not valid UTF-8.")
	}
	config := language()
	tree, err := parser.ParseWithConfig(text, config)
	if err != nil {
		var e *file.Error
		if !errors.As(err, &e) {
			return nil, at.mistake(at.whole(), "Invalid expression", wording(err.Error()))
		}
		place := inFile(e.Location)
		if place.To == place.From { // the end of the text: point at its last byte
			place.From = max(place.From-1, offsets[0])
		}
		return nil, at.mistake(at.place(place), "Invalid expression", wording(e.Message))
	}
	seen := make(map[ast.Node]bool)
	var move func(*ast.Node)
	move = func(n *ast.Node) {
		if seen[*n] {
			return
		}
		seen[*n] = true
		if f, ok := (*n).(*ast.FloatNode); ok {
			exactly(f, text, exact)
		}
		(*n).SetLocation(inFile((*n).Location()))
		children(*n, move)
	}
	move(&tree.Node)
	return tree.Node, nil
}

// exactly reads the digits of a number where they stand.
func exactly(n *ast.FloatNode, text string, exact map[*ast.FloatNode]value) {
	runes := []rune(text)
	at := n.Location()
	if at.From < 0 || at.To > len(runes) || at.From >= at.To {
		return
	}
	if v, ok := parseNumber(strings.ReplaceAll(string(runes[at.From:at.To]), "_", "")); ok {
		exact[n] = v
	}
}

// language is expr-lang as far as rules speak it.
func language() *conf.Config {
	c := conf.CreateNew()
	c.MaxNodes = maxNodes
	for name := range c.Builtins {
		if _, allowed := builtins[name]; !allowed {
			c.Disabled[name] = true
			delete(c.Builtins, name)
		}
	}
	return c
}
