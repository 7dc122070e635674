package rule

import "fmt"

// Lacks says why a value of this shape has no text at a way: members' names, "" for each item of a list; "" where it has one,
// or may have. A nil shape may have anything.
func (s *Shape) Lacks(way []string) string {
	for i, name := range way {
		if s == nil {
			return ""
		}
		switch s.is {
		case anything, nulls:
			return ""
		case objects:
			if name == "" {
				return fmt.Sprintf("%s is an object, and no list", called(way[:i]))
			}
			next := s.members[name]
			if next == nil && !s.open {
				return unknownField(name, s.names())
			}
			s = next
		case lists:
			if name != "" {
				return fmt.Sprintf("%s is a list: write [*] behind it", called(way[:i]))
			}
			s = s.items
		default:
			return fmt.Sprintf("%s is no object and no list", called(way[:i]))
		}
	}
	if s == nil || s.is == anything || s.is == nulls || s.is == texts {
		return ""
	}
	return fmt.Sprintf("%s is no text", called(way))
}

// called writes a way as people do.
func called(way []string) string {
	if len(way) == 0 {
		return "the body"
	}
	text := ""
	for _, name := range way {
		switch {
		case name == "":
			text += "[*]"
		case text == "":
			text = name
		default:
			text += "." + name
		}
	}
	return text
}
