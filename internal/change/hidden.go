package change

// Hidden gives the operations of chain, oldest first, that break law S on an object of a message, or on one that such
// an object holds; roots are the places of objects in it. What these operations make, callers older than all of chain do
// not see, or not all of it: whoever of them reads the message and writes it back resets it.
func Hidden(chain []*Change, objects map[string]*Object, roots []Held) []*Operation {
	there := travelling(objects, roots)
	var hidden []*Operation
	for _, ch := range chain {
		for i := range ch.Operations {
			if _, s := ch.Operations[i].Laws(); !s && there[ch.On] {
				hidden = append(hidden, &ch.Operations[i])
			}
		}
	}
	return hidden
}

// travelling gives the objects that stand at roots, and all that they hold.
func travelling(objects map[string]*Object, roots []Held) map[string]bool {
	there := make(map[string]bool)
	var follow func([]Held)
	follow = func(holds []Held) {
		for _, h := range holds {
			if o := objects[h.Object]; o != nil && !there[h.Object] {
				there[h.Object] = true
				follow(o.Holds)
			}
		}
	}
	follow(roots)
	return there
}
