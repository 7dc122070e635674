package pattern

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// The bounds of a table, beyond which an expression has none.
const (
	maxInstructions = 128
	maxStates       = 128 // so a table has 16 KiB at most
)

// table is an expression as a machine of finitely many states for texts in ASCII. A state is the set of places of the
// expression that what was read so far may have led to; it is worked out at load.
type table struct {
	class [utf8.RuneSelf]uint8 // characters of one class are the same to the expression
	width int                  // how many classes there are
	next  []uint8              // by state and class
	ends  []bool               // by state: whether a text that ends there matches
}

// States in which nothing that follows matters.
const (
	dead  = 0xFE // the expression cannot be found any more
	found = 0xFF // it was found
)

// match says whether a text matches; it is not known of one that is not ASCII.
func match[T string | []byte](t *table, text T) (yes, known bool) {
	if len(t.ends) == 0 {
		return true, true // what is found in the empty text is found in all
	}
	state := 0
	for i := range len(text) {
		ch := text[i]
		if ch >= utf8.RuneSelf {
			return false, false
		}
		if state = int(t.next[state*t.width+int(t.class[ch])]); state >= dead {
			return state == found, true
		}
	}
	return t.ends[state], true
}

// maker makes a table of a program.
type maker struct {
	program *syntax.Prog
	table   *table
	sample  []rune // a character of each class
	states  []state
	again   []uint32 // the places to be in at each position of the text, since a match may begin anywhere
}

// state is a set of instructions that read a character, or wait for the text's end.
type state []uint32

// newTable makes the table of a program; nil where it has none: if it looks at lines or words, or needs more than the bounds.
func newTable(program *syntax.Prog) *table {
	if len(program.Inst) > maxInstructions {
		return nil
	}
	for i := range program.Inst {
		in := &program.Inst[i]
		if in.Op == syntax.InstEmptyWidth && syntax.EmptyOp(in.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
			return nil
		}
	}
	m := &maker{program: program, table: &table{}}
	m.classes()
	var met bool
	if m.again, met = m.closure(nil, uint32(program.Start), 0); met {
		return m.table
	}
	first, met := m.closure(nil, uint32(program.Start), syntax.EmptyBeginText)
	if met {
		return m.table
	}
	// The first state is like no other: only there the text begins.
	m.add(first, syntax.EmptyBeginText)
	for k := 0; k < len(m.states); k++ {
		for c := range m.sample {
			to, ok := m.step(m.states[k], m.sample[c])
			if !ok {
				return nil
			}
			m.table.next = append(m.table.next, to)
		}
	}
	return m.table
}

// classes puts characters in one class that the same instructions read.
func (m *maker) classes() {
	known := make(map[string]uint8)
	for ch := range rune(utf8.RuneSelf) {
		readers := make([]byte, len(m.program.Inst))
		for i := range m.program.Inst {
			if reads(&m.program.Inst[i], ch) {
				readers[i] = 1
			}
		}
		class, there := known[string(readers)]
		if !there {
			class = uint8(len(known))
			known[string(readers)] = class
			m.sample = append(m.sample, ch)
		}
		m.table.class[ch] = class
	}
	m.table.width = len(m.sample)
}

func reads(in *syntax.Inst, ch rune) bool {
	switch in.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return in.MatchRune(ch)
	}
	return false
}

// closure adds to set what is reached from an instruction without reading a character, at a place of the text of which at
// is true. It says whether that is the end of the expression.
func (m *maker) closure(set []uint32, from uint32, at syntax.EmptyOp) (all []uint32, met bool) {
	seen := make(map[uint32]bool)
	var visit func(pc uint32)
	visit = func(pc uint32) {
		if seen[pc] {
			return
		}
		seen[pc] = true
		switch in := &m.program.Inst[pc]; in.Op {
		case syntax.InstMatch:
			met = true
		case syntax.InstAlt, syntax.InstAltMatch:
			visit(in.Out)
			visit(in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			visit(in.Out)
		case syntax.InstEmptyWidth:
			switch missing := syntax.EmptyOp(in.Arg) &^ at; missing {
			case 0:
				visit(in.Out)
			case syntax.EmptyEndText:
				set = append(set, pc) // it waits for the end
			}
		case syntax.InstFail:
		default:
			set = append(set, pc)
		}
	}
	visit(from)
	return set, met
}

// add adds a state. at is what is true where it is.
func (m *maker) add(s state, at syntax.EmptyOp) (number int) {
	ends := false
	for _, pc := range s {
		if in := &m.program.Inst[pc]; in.Op == syntax.InstEmptyWidth {
			_, met := m.closure(nil, pc, at|syntax.EmptyEndText)
			ends = ends || met
		}
	}
	m.states = append(m.states, s)
	m.table.ends = append(m.table.ends, ends)
	return len(m.states) - 1
}

// step gives the state that a character leads to; false where there would be too many.
func (m *maker) step(s state, ch rune) (to uint8, ok bool) {
	next := slices.Clone(m.again)
	for _, pc := range s {
		in := &m.program.Inst[pc]
		if !reads(in, ch) {
			continue
		}
		var met bool
		if next, met = m.closure(next, in.Out, 0); met {
			return found, true
		}
	}
	slices.Sort(next)
	next = slices.Compact(next)
	if len(next) == 0 {
		return dead, true
	}
	for k := 1; k < len(m.states); k++ {
		if slices.Equal(m.states[k], next) {
			return uint8(k), true
		}
	}
	if len(m.states) == maxStates {
		return 0, false
	}
	return uint8(m.add(next, 0)), true
}
