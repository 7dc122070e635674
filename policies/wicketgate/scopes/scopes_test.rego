package wicketgate.scopes_test

import data.wicketgate.scopes

reader := {"id": "acme", "scopes": ["orders.read", "stock.read"]}

test_all_scopes_are_there if {
	scopes.allows(reader, {"orders.read"})
	scopes.allows(reader, ["orders.read", "stock.read"])
	scopes.allows(reader, set())
}

test_a_scope_is_missing if {
	not scopes.allows(reader, {"orders.read", "orders.write"})
	scopes.missing(reader, {"orders.read", "orders.write"}) == {"orders.write"}
}

test_a_caller_without_scopes if {
	scopes.missing({"id": "acme"}, ["orders.read"]) == {"orders.read"}
}
