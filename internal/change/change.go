// Package change carries messages between the versions of an API. A change is written once, as operations on an
// object, and runs both ways: requests go up, from the caller's version to the newest, responses come down.
//
// Messages are edited as bytes. A lazy tree of spans opens only the objects that an operation touches; all the rest is
// copied as it came, so that the spelling of numbers, the order of members, white space and unknown members survive.
// Two laws class an operation: R, down(up(x)) = x, and S, up(down(y)) = y, for every message that up accepts, as JSON
// values.
package change

import (
	"encoding/json"

	"github.com/hashicorp/hcl/v2"
)

// Kind is the word an operation is written with in the catalogue.
type Kind string

// The kinds of operations.
const (
	Rename Kind = "rename" // gives a member another name beside the old one
	Move   Kind = "move"   // brings a member to another path
	Drop   Kind = "drop"   // takes a member away
	Add    Kind = "add"    // makes a member that is a constant
	Enum   Kind = "enum"   // translates values
	Wrap   Kind = "wrap"   // 7 becomes {"amount":7}
	Unwrap Kind = "unwrap" // {"amount":7} becomes 7
	List   Kind = "list"   // 7 becomes [7]
	Unlist Kind = "unlist" // [7] becomes 7
	Scale  Kind = "scale"  // "12.30" becomes 1230
	Cast   Kind = "cast"   // "7" becomes 7
	Split  Kind = "split"  // one text becomes several members
	Join   Kind = "join"   // several members become one text
)

// Kinds are all kinds there are, in the order of the design's table.
var Kinds = []Kind{Rename, Move, Wrap, Unwrap, List, Unlist, Enum, Scale, Cast, Add, Drop, Split, Join}

// Operation is one step of a change. Paths are members' names joined by dots, counted from the object of the change,
// in the shape that the operations before it have left: after rename "a" { to = "b" } the next operation says "b".
// A member whose name has a dot or a bracket cannot be named; items of lists are reached through holds.
//
// What is not there stays away. To scale, cast, split and join null stands for no value and is left as it is; the other
// operations treat it like any value.
type Operation struct {
	Kind Kind
	Path string // of the member the operation works on; of add, the one it makes

	// To is where rename and move bring the member: for rename another name beside the old one, without dots; for
	// move a whole path from the object.
	To string

	Pairs []Pair          // of enum: which old value is which new one; strings, numbers, booleans or null
	Value json.RawMessage // of add, the constant that old requests get; of drop, what old responses get (restore)

	Member string // of wrap and unwrap: the name, without dots, of the only member of the object that is around the value

	// Decimals is, of scale, by how many digits the decimal point moves to the right going up: -18 to 18, not 0. As is
	// what the side with the decimal point is: "number", or "string" or "" for a string that has exactly so many
	// decimals. The other side is an integer.
	//
	// Of cast, From and As are the older and the newer type: one is "string", the other "number" or "boolean", which
	// the string must spell exactly.
	Decimals int
	From, As string

	// Of split and join: the names, without dots, of 2 to 16 members beside the one at Path, and what stands between
	// them in the text. The last has the rest of the text; where there are fewer, the later ones are not there.
	Parts     []string
	Separator string

	Accept string // why it is right that a law is broken; "" means that it must hold
	Range  hcl.Range
}

// Pair is an old value and the new one that takes its place.
type Pair struct {
	Old, New json.RawMessage
}

// Change is what one version changed in one object, in written order.
type Change struct {
	Name       string
	Summary    string
	On         string // label of the object
	Operations []Operation
	Params     []Param
	Examples   []Example
	Range      hcl.Range
}

// Param renames a query parameter in requests.
type Param struct {
	Name, To string
	Range    hcl.Range
}

// Example is one value of the object in both shapes. It runs both ways at load.
type Example struct {
	Old, New json.RawMessage
	Range    hcl.Range
}

// Object is a shape that travels in messages.
type Object struct {
	Name  string
	Holds []Held
	Range hcl.Range
}

// Held says where an object stands in another object or in a message, in the newest shape: members' names joined by
// dots, "[*]" for each item of a list ("lines[*]"). Only in a message may the path be "" (the whole message) or begin
// with a list ("[*]").
type Held struct {
	Path   string
	Object string
	Range  hcl.Range
}

// Laws says which laws the operation keeps: R, down(up(x)) = x, and S, up(down(y)) = y. Where R is broken and Accept
// does not say why that is right, Validate and Compile refuse the operation. Where S is broken, an old caller who
// reads an object and writes it back resets what it cannot see; whoever knows the routes warns of that.
func (o *Operation) Laws() (r, s bool) {
	switch o.Kind {
	case Add:
		return true, false
	case Drop:
		return false, true
	case Split:
		return true, false // a newer part may contain the separator, or be there without those before it
	case Enum:
		return distinct(o.Pairs, func(p Pair) json.RawMessage { return p.New }),
			distinct(o.Pairs, func(p Pair) json.RawMessage { return p.Old })
	}
	return true, true
}
