package jsonspan

// longest is how many bytes a mistake can need to be told from one that only the end of what has arrived makes look
// like one: those of two escapes that make one character. Numbers are the exception.
const longest = len(`\ud83d\ude00`)

// checkStart checks the value that part begins with, of a document that may not have arrived whole; outer objects and
// arrays are open around it. It gives the value's end, or 0 where the value is good so far and does not end in part.
// final says that nothing follows part. The error's offset and pointer are counted from part.
func checkStart(part []byte, outer int, final bool, b Bounds) (end int, err *Error) {
	c := checkers.Get().(*checker)
	c.doc, c.bounds, c.outer = part, b, outer
	at, detail := c.value(0)
	c.release()
	switch {
	case !final && unsure(part, at, detail != "", b.Number):
		return 0, nil
	case detail != "":
		return 0, &Error{Offset: at, Pointer: Locate(part, at), Detail: detail}
	}
	return at, nil
}

// unsure says that what follows part may undo what was found in it: a mistake at a place, or the end of a value.
func unsure(part []byte, at int, mistake bool, number int) bool {
	if !mistake {
		return at == len(part) && numeric(part[at-1:]) == 1 // it may be a number that goes on
	}
	if at+longest > len(part) {
		return true
	}
	run := numeric(part[at:])
	return run > 0 && run <= number && at+run == len(part)
}

// seeker finds the end of a value that arrives in parts, looking at each byte once. It takes for granted that the value
// is valid; where it is not, it finds some end or none.
type seeker struct {
	at     int // how far it has looked
	depth  int
	quoted bool
	found  bool
}

// seek goes on in part, which begins with the value each time, and says whether the end has been found.
func (s *seeker) seek(part []byte) bool {
	for ; !s.found && s.at < len(part); s.at++ {
		if s.quoted {
			switch part[s.at] {
			case '\\':
				if s.at+1 == len(part) {
					return false // what it escapes has not arrived
				}
				s.at++
			case '"':
				s.quoted = false
				s.found = s.depth == 0
			}
			continue
		}
		switch class[part[s.at]] {
		case opens:
			s.depth++
		case closes:
			s.depth--
			s.found = s.depth <= 0
		case quote:
			s.quoted = true
		default:
			s.found = s.depth == 0 // a number or a word, which is short enough to be looked at anew
		}
	}
	return s.found
}
