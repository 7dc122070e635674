# METADATA
# title: Scopes
# description: |
#   Whether a token was given out for what its bearer is doing (RFC 6749, section 3.3). A table may say which scopes
#   each route asks for: {"GET /orders": ["orders.read"], "GET /prices": []}.
package wicketgate.scopes

# METADATA
# title: The caller has all of the scopes
# description: allows(input.consumer, {"orders.read"}) is true if the caller's token has each of the scopes asked for.
# scope: document
allows(consumer, required) if count(missing(consumer, required)) == 0

# METADATA
# title: The caller has one of the scopes
# description: allows_any(input.consumer, {"orders.read", "orders"}) is true if the caller's token has one of them.
# scope: document
allows_any(consumer, sufficient) if {
	some scope in sufficient
	scope in consumer.scopes
}

# METADATA
# title: Scopes the caller lacks
# description: |
#   missing(input.consumer, {"orders.read"}) are the scopes asked for that the caller does not have; all of them if the
#   caller has none.
# scope: document
missing(consumer, required) := {scope |
	some scope in required
	not scope in object.get(consumer, "scopes", [])
}

# METADATA
# title: The caller has the scopes of a route
# description: |
#   allows_route(table, input.consumer, input.api.route) is true if the caller's token has each of the scopes that the
#   table asks for on this route. On a route that the table does not list, nobody has.
# scope: document
allows_route(table, consumer, route) if allows(consumer, table[route])

# METADATA
# title: Scopes of a route the caller lacks
# description: |
#   missing_on_route(table, input.consumer, input.api.route) are the scopes that a route asks for and the caller does
#   not have; undefined on a route that the table does not list.
# scope: document
missing_on_route(table, consumer, route) := missing(consumer, table[route])

# METADATA
# title: What tells the caller which scopes to ask for
# description: |
#   challenge({"orders.read"}) is a value of the header field WWW-Authenticate for a denial (RFC 6750, section 3.1).
# scope: document
challenge(required) := sprintf(`Bearer error="insufficient_scope", scope="%s"`, [concat(" ", required)])
