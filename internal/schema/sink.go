package schema

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/wicketgate/wicketgate/internal/pattern"
)

// sink takes what is wrong with a value: the first failures in their order, and whether the value was meant to be what
// it was held against. Its size does not depend on how much is wrong.
type sink struct {
	depth    int     // of the value
	first    []found // at most maxFailures, in order, each once
	types    int     // the least depth at which a value was of another type
	consts   int     // the least depth at which one differed from a constant
	nameType bool    // a name was to be something else than a string
}

func newSink(depth int) *sink { return &sink{depth: depth, types: math.MaxInt, consts: math.MaxInt} }

// about is what the words for a failure are made of, once they are needed.
type about struct {
	words     string
	n, second int
	number    *big.Rat
	pattern   *pattern.Pattern
	of        *jsonschema.Schema
}

var endless = message(&kind.RefCycle{})

// why is the failure as the library tells it, so that both have the same words.
func (a about) why(keyword string) jsonschema.ErrorKind {
	switch keyword {
	case "type":
		return &kind.Type{Want: a.of.Types.ToStrings()}
	case "const":
		return &kind.Const{Want: *a.of.Const}
	case "enum":
		return &kind.Enum{Want: a.of.Enum.Values}
	case "format":
		return &kind.Format{Want: a.of.Format.Name}
	case "pattern":
		return &kind.Pattern{Want: a.pattern.String()}
	case "minLength":
		return &kind.MinLength{Want: a.n}
	case "maxLength":
		return &kind.MaxLength{Want: a.n}
	case "minItems":
		return &kind.MinItems{Want: a.n}
	case "maxItems":
		return &kind.MaxItems{Want: a.n}
	case "minProperties":
		return &kind.MinProperties{Want: a.n}
	case "maxProperties":
		return &kind.MaxProperties{Want: a.n}
	case "minimum":
		return &kind.Minimum{Want: a.number}
	case "maximum":
		return &kind.Maximum{Want: a.number}
	case "exclusiveMinimum":
		return &kind.ExclusiveMinimum{Want: a.number}
	case "exclusiveMaximum":
		return &kind.ExclusiveMaximum{Want: a.number}
	case "multipleOf":
		return &kind.MultipleOf{Want: a.number}
	case "uniqueItems":
		return &kind.UniqueItems{Duplicates: [2]int{a.n, a.second}}
	case "contains":
		return &kind.Contains{}
	case "minContains":
		return &kind.MinContains{Want: a.n}
	case "maxContains":
		return &kind.MaxContains{Want: a.n}
	}
	return &kind.Not{}
}

// refuse tells that the value at hand is wrong, if anything is told. It gives false.
func (e *evaluator) refuse(keyword string, why about) bool {
	s := e.sink
	if s == nil || e.spent || e.broken {
		return false // without all steps taken, what looks wrong need not be
	}
	e.steps -= len(e.way)
	switch keyword {
	case "type":
		s.types = min(s.types, len(e.way))
	case "const":
		s.consts = min(s.consts, len(e.way))
	}
	if len(s.first) == maxFailures && compareWays(e.way, s.first[maxFailures-1].way) > 0 {
		return false
	}
	if why.words == "" {
		why.words = message(why.why(keyword))
	}
	s.add(slices.Clone(e.way), keyword, why.words, "")
	return false
}

// below is the way to a member of the value at hand.
func (e *evaluator) below(name string) []string { return append(slices.Clone(e.way), name) }

// add adds a failure. where points to the member because of which another one is needed.
func (s *sink) add(way []string, keyword, words, where string) {
	f := found{way, Failure{Keyword: keyword, Message: words, Where: where}}
	at, twice := slices.BinarySearchFunc(s.first, f, compareFound)
	if twice || at == maxFailures {
		return
	}
	if len(s.first) == maxFailures {
		s.first = s.first[:maxFailures-1]
	}
	s.first = slices.Insert(s.first, at, f)
}

func compareFound(a, b found) int {
	return cmp.Or(compareWays(a.way, b.way), strings.Compare(a.Keyword, b.Keyword), strings.Compare(a.Message, b.Message))
}

// alternatives tells what is wrong with the one form that the value was meant to be, if it can be known: one is not meant
// if the value is not of its type, or differs from it in a constant.
func (s *sink) alternatives(e *evaluator, keyword string, forms []*sink) {
	var meant []*sink
	for _, form := range forms {
		if !form.excludes() {
			meant = append(meant, form)
		}
		s.inherit(form)
	}
	if len(meant) != 1 {
		s.add(slices.Clone(e.way), keyword, "matches none of the allowed forms", "")
		return
	}
	for _, f := range meant[0].first {
		s.add(f.way, f.Keyword, f.Message, f.Where)
	}
}

func (s *sink) excludes() bool {
	return s.types == s.depth || s.consts <= s.depth+1 || s.nameType && s.depth == 0
}

// inherit notes what a form that did not match says of the forms around it.
func (s *sink) inherit(form *sink) {
	s.types, s.consts = min(s.types, form.types), min(s.consts, form.consts)
	s.nameType = s.nameType || form.nameType
}

// misnamed notes what was wrong with a name. It is a document of its own, at depth 0.
func (s *sink) misnamed(name *sink) {
	s.nameType = s.nameType || name.nameType || name.types == 0
	s.consts = min(s.consts, name.consts)
}

// failures gives what was told.
func (s *sink) failures() []Failure {
	told := make([]Failure, 0, len(s.first))
	for _, f := range s.first {
		f.Pointer = pointer(f.way)
		told = append(told, f.Failure)
	}
	return slices.Compact(told)
}
