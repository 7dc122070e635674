package change

// Steps are the members' names on the way to the place, with "" for each item of a list. ok is false where the path is
// malformed.
func (h *Held) Steps() (steps []string, ok bool) {
	steps, wrong := parseHeld(h.Path)
	return steps, wrong == ""
}
