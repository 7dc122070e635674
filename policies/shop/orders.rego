# METADATA
# title: Orders of the example shop
# description: |
#   Partners call with an API key and work with their own. Staff call with a token that claims a role: clerks read all
#   orders, but no e-mail addresses; supervisors replace them too; managers may do everything. The tables are in roles,
#   inherits and hidden, each a data.json.
package shop.orders

import data.wicketgate.obligations
import data.wicketgate.ownership
import data.wicketgate.roles

# METADATA
# title: The decision
# description: |
#   A role of the caller's grants what the request does, to any order or to this one as the caller's own. Nobody gets
#   an answer without it being known what to hide in it.
# scope: document
allow if {
	granted
	hidden
}

allow if {
	granted_to_owner
	owned
	hidden
}

# METADATA
# title: Why not
# description: Codes for the log and the explain output; callers are told problem instead.
# scope: document
reasons contains "anonymous" if {
	not allow
	not input.consumer
}

reasons contains "unknown-action" if {
	not allow
	not action
}

reasons contains "role-lacks-permission" if {
	not allow
	input.consumer
	action
	not granted_to_owner
}

reasons contains "not-owner" if {
	not allow
	granted_to_owner
}

# METADATA
# title: What a denied caller is told
# scope: document
problem := {"detail": "this order belongs to someone else"} if "not-owner" in reasons

problem := {"detail": sprintf("your role does not let you %s orders", [action])} if "role-lacks-permission" in reasons

# METADATA
# title: What the caller does not see of orders
# scope: document
mask contains pointer if some pointer in hidden

hidden := obligations.hidden(data.shop.hidden, caller_roles)

# METADATA
# title: What the request does
# description: By route, never by path. What is not listed nobody may do.
# scope: document
action := {
	"GET /orders": "list",
	"GET /orders/{id}": "read",
	"POST /orders": "create",
	"PUT /orders/{id}": "replace",
	"DELETE /orders/{id}": "delete",
}[input.api.route]

granted if roles.grants(data.shop.roles, caller_roles, concat(" ", [action, "orders"]))

granted_to_owner if roles.grants(data.shop.roles, caller_roles, concat(" ", [action, "own orders"]))

# An order's id begins with its owner: acme-1001. Only partners own, and only by their key: a token whose subject
# happens to be called acme is not the partner.
owned if {
	input.consumer.method == "api_key"
	owner := ownership.owner_of(input.api.parameters.id, "-")
	ownership.owns({"id": input.consumer.id}, {"owner": owner})
}

caller_roles := roles.with_inherited(data.shop.inherits, own_roles)

own_roles contains "partner" if input.consumer.method == "api_key"

# A token gives the roles of staff and no other.
own_roles contains role if {
	some role in roles.claimed({"method": input.consumer.method, "claims": input.consumer.claims})
	role in {"clerk", "supervisor", "manager"}
}
