package envoy.authz

default allow := false

allow if {
	input.parsed_query.shelf[_] == "open"
	not closed
}

closed if "closed" in input.parsed_query.shelf
