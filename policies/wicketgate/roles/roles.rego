# METADATA
# title: Roles
# description: |
#   Which permissions a caller's roles grant, from a table that names for each role what it may do:
#   {"clerk": ["orders:list", "orders:read"], "manager": ["*"]}. A permission is a word of the policy's own; "*" is
#   every one of them.
package wicketgate.roles

# METADATA
# title: Roles in a token
# description: |
#   The roles that a token claims for its bearer, under role (one) or roles (a list). Only a token has claims, and
#   only for what its issuer says of the bearer: an API key has none.
# scope: document
claimed(consumer) := {role |
	consumer.method == "jwt"
	some role in array.concat([object.get(consumer.claims, "role", null)], listed(consumer.claims))
	is_string(role)
}

listed(claims) := claims.roles if is_array(claims.roles)

else := []

# METADATA
# title: A role grants a permission
# description: grants(table, roles, "orders:read") is true if one of roles has it in the table.
# scope: document
grants(table, roles, permission) if {
	some role in roles
	permission in table[role]
}

grants(table, roles, _) if {
	some role in roles
	"*" in table[role]
}
