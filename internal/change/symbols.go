package change

import "github.com/wicketgate/wicketgate/internal/jsonspan"

// symbols are the members' names that a program touches, numbered, so that a message's names are looked up once, when
// their object is opened, and compared as numbers from then on.
type symbols struct {
	names  []string
	quoted [][]byte   // as JSON strings
	heads  [256]int32 // by hash: the number of a name plus one
	next   []int32    // the number, plus one, of the next name of the same hash
}

// none is the number of a name that no operation touches.
const none int32 = -1

// intern gives the number of name.
func (s *symbols) intern(name string) int32 {
	if sym := s.find([]byte(name)); sym != none {
		return sym
	}
	sym := int32(len(s.names))
	s.names = append(s.names, name)
	s.quoted = append(s.quoted, jsonspan.AppendQuote(nil, name))
	head := &s.heads[hash([]byte(name))]
	s.next = append(s.next, *head)
	*head = sym + 1
	return sym
}

func (s *symbols) internAll(names []string) []int32 {
	syms := make([]int32, len(names))
	for i, name := range names {
		syms[i] = s.intern(name)
	}
	return syms
}

// find gives the number of name, or none.
func (s *symbols) find(name []byte) int32 {
	for n := s.heads[hash(name)]; n != 0; n = s.next[n-1] {
		if s.names[n-1] == string(name) {
			return n - 1
		}
	}
	return none
}

// hash tells most names apart by their length and their ends. The names hashed are the catalogue's, and each lookup
// compares with few of them, so no message can make it slow.
func hash(name []byte) uint8 {
	if len(name) == 0 {
		return 0
	}
	return uint8(len(name))*31 + name[0]*7 + name[len(name)-1]*3 + name[len(name)/2]
}
