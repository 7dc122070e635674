# METADATA
# title: Roles
# description: |
#   Which permissions a caller's roles grant, from a table that names for each role what it may do:
#   {"clerk": ["orders:list", "orders:read"], "manager": ["*"]}. A permission is a word of the policy's own; "*" is
#   every one of them. A second table, {"manager": ["clerk"]}, says which roles a role has in itself.
package wicketgate.roles

# METADATA
# title: Roles in a token
# description: |
#   claimed(input.consumer) are the roles that a token claims for its bearer, under role (one) or roles (a list). Only
#   a token has claims, and only for what its issuer says of the bearer: an API key has none.
# scope: document
claimed(consumer) := {role |
	consumer.method == "jwt"
	some role in array.concat([object.get(consumer.claims, "role", null)], claimed_list(consumer.claims))
	is_string(role)
}

# METADATA
# title: The claim roles, if it is a list
# scope: document
claimed_list(claims) := claims.roles if is_array(claims.roles)

else := []

# METADATA
# title: Roles that a table gives
# description: |
#   assigned({"jwt": {"ada": ["manager"]}}, input.consumer) are the roles that a table gives to a consumer: by its
#   method first, since a token whose subject is called like a partner's key is not the partner.
# scope: document
assigned(table, consumer) := {role | some role in table[consumer.method][consumer.id]}

# METADATA
# title: Roles of groups
# description: |
#   of_groups({"staff": ["clerk"]}, input.consumer) are the roles that a table gives to the groups of a consumer.
# scope: document
of_groups(table, consumer) := {role |
	some group in consumer.groups
	some role in table[group]
}

# METADATA
# title: Roles with those they inherit
# description: |
#   with_inherited({"manager": ["clerk"], "clerk": ["guest"]}, {"clerk"}) is {"clerk", "guest"}. Each role is visited
#   once, so that the work is bounded by the table and a circle in it does no harm.
# scope: document
with_inherited(inherits, roles) := own | inherited if {
	own := {role | some role in roles}
	inherited := {role | some heir in graph.reachable(inherits, own); some role in inherits[heir]}
}

# METADATA
# title: Permissions of roles
# description: permissions(table, {"clerk"}) are all permissions that one of the roles has in the table.
# scope: document
permissions(table, roles) := {permission |
	some role in roles
	some permission in table[role]
}

# METADATA
# title: A role grants a permission
# description: grants(table, roles, "orders:read") is true if one of the roles has it in the table, or has "*" there.
# scope: document
grants(table, roles, permission) if {
	some role in roles
	permission in table[role]
}

grants(table, roles, _) if {
	some role in roles
	"*" in table[role]
}
