package catalogue

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Bounds of a file's syntax. HCL's parser calls itself for each of these, and a goroutine whose stack overflows takes
// the process with it.
const (
	maxNesting   = 128  // brackets, quotes and templates in one another
	maxOperators = 1000 // operators, indexes and template sequences of one expression and those around it
	// maxLiterals bounds the lines of a heredoc and the pieces of a quoted text: joining them takes time in the
	// square of their number.
	maxLiterals = 4096
	// maxDigits and maxExponent bound a number: what is written in 12 bytes can take a gigabyte to write out.
	maxDigits   = 100
	maxExponent = 3 // digits of it
)

// closers are the tokens that open a level, and those that end it.
var closers = map[hclsyntax.TokenType]hclsyntax.TokenType{
	hclsyntax.TokenOBrace:          hclsyntax.TokenCBrace,
	hclsyntax.TokenOBrack:          hclsyntax.TokenCBrack,
	hclsyntax.TokenOParen:          hclsyntax.TokenCParen,
	hclsyntax.TokenOQuote:          hclsyntax.TokenCQuote,
	hclsyntax.TokenOHeredoc:        hclsyntax.TokenCHeredoc,
	hclsyntax.TokenTemplateInterp:  hclsyntax.TokenTemplateSeqEnd,
	hclsyntax.TokenTemplateControl: hclsyntax.TokenTemplateSeqEnd,
}

var operators = map[hclsyntax.TokenType]bool{
	hclsyntax.TokenPlus: true, hclsyntax.TokenMinus: true, hclsyntax.TokenStar: true, hclsyntax.TokenSlash: true,
	hclsyntax.TokenPercent: true, hclsyntax.TokenBang: true, hclsyntax.TokenAnd: true, hclsyntax.TokenOr: true,
	hclsyntax.TokenEqualOp: true, hclsyntax.TokenNotEqual: true, hclsyntax.TokenLessThan: true,
	hclsyntax.TokenGreaterThan: true, hclsyntax.TokenLessThanEq: true, hclsyntax.TokenGreaterThanEq: true,
	hclsyntax.TokenQuestion: true, hclsyntax.TokenColon: true, hclsyntax.TokenFatArrow: true,
}

// level is an open bracket, quote or template.
type level struct {
	closer    hclsyntax.TokenType
	operators int // in the part of it that is not ended yet by a comma or a line
	literals  int
}

// bounded looks whether a file can be parsed without harm, and gives the first place where not. It looks at the tokens
// that the parser will see, so that the two cannot disagree on what is in a comment or a text; the scanner that makes
// them does not call itself.
func bounded(src []byte, file string) *hcl.Diagnostic {
	tokens, _ := hclsyntax.LexConfig(src, file, hcl.InitialPos) // its diagnostics come again from the parser
	levels := []level{{}}
	total := 0
	for _, tok := range tokens {
		top := &levels[len(levels)-1]
		closer, opens := closers[tok.Type]
		if opens || operators[tok.Type] {
			top.operators++
			if total++; total > maxOperators {
				return excess(tok.Range, "Expression too long", "An expression may have at most %d operators, indexes and template sequences.", maxOperators)
			}
		}
		switch {
		case opens:
			if levels = append(levels, level{closer: closer}); len(levels)-1 > maxNesting {
				return excess(tok.Range, "Nested too deeply", "Brackets, quotes and templates may be nested at most %d deep.", maxNesting)
			}
		case tok.Type == top.closer && len(levels) > 1:
			total -= top.operators
			levels = levels[:len(levels)-1]
		case tok.Type == hclsyntax.TokenComma,
			tok.Type == hclsyntax.TokenNewline && (len(levels) == 1 || top.closer == hclsyntax.TokenCBrace):
			total -= top.operators
			top.operators = 0
		case tok.Type == hclsyntax.TokenQuotedLit, tok.Type == hclsyntax.TokenStringLit:
			if top.literals++; top.literals > maxLiterals {
				return excess(tok.Range, "Text too long", "A text may have at most %d lines or pieces.", maxLiterals)
			}
		case tok.Type == hclsyntax.TokenNumberLit:
			exponent := bytes.TrimLeft(tok.Bytes[exponentAt(tok.Bytes):], "eE+-0")
			if len(tok.Bytes) > maxDigits || len(exponent) > maxExponent {
				return excess(tok.Range, "Number too long", "A number may have at most %d characters, and %d digits in its exponent.", maxDigits, maxExponent)
			}
		}
	}
	return nil
}

func exponentAt(number []byte) int {
	if i := bytes.IndexAny(number, "eE"); i >= 0 {
		return i
	}
	return len(number)
}

func excess(r hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &r}
}
