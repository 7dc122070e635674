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

test_one_of_the_scopes if {
	scopes.allows_any(reader, {"orders.read", "orders.write"})
	not scopes.allows_any(reader, ["orders.write"])
	not scopes.allows_any(reader, set())
	not scopes.allows_any({"id": "acme"}, {"orders.read"})
}

routes := {"GET /orders": ["orders.read"], "POST /orders": {"orders.read", "orders.write"}, "GET /prices": []}

test_scopes_of_a_route if {
	scopes.allows_route(routes, reader, "GET /orders")
	not scopes.allows_route(routes, reader, "POST /orders")
	scopes.missing_on_route(routes, reader, "POST /orders") == {"orders.write"}
	scopes.allows_route(routes, {"id": "acme"}, "GET /prices")
}

test_a_route_that_is_not_listed if {
	not scopes.allows_route(routes, reader, "DELETE /orders")
	not scopes.missing_on_route(routes, reader, "DELETE /orders")
}

test_a_challenge if {
	scopes.challenge({"orders.write", "orders.read"}) == `Bearer error="insufficient_scope", scope="orders.read orders.write"`
}
