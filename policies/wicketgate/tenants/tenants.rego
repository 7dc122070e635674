# METADATA
# title: Tenants
# description: |
#   Whether a resource belongs to a tenant of the caller's. Tenants are names, as a token claims them or a table gives
#   them to consumers, and may have tenants below them.
package wicketgate.tenants

# METADATA
# title: Tenants in a token
# description: |
#   claimed(input.consumer, "tenant") are the tenants that a token names in that claim, one or a list. Only a token has
#   claims: an API key has none.
# scope: document
claimed(consumer, claim) := {tenant |
	consumer.method == "jwt"
	some tenant in names(consumer.claims[claim])
	is_string(tenant)
	tenant != ""
}

# METADATA
# title: One name or a list of them
# scope: document
names(value) := value if is_array(value)

else := [value]

# METADATA
# title: Tenants that a table gives
# description: |
#   assigned({"api_key": {"acme-shop": ["acme"]}}, input.consumer) are the tenants that a table gives to a consumer: by
#   its method first, since a token whose subject is called like a partner's key is not the partner.
# scope: document
assigned(table, consumer) := {tenant | some tenant in table[consumer.method][consumer.id]}

# METADATA
# title: Tenants with those below them
# description: |
#   with_below({"acme": ["acme-eu", "acme-us"]}, {"acme"}) is {"acme", "acme-eu", "acme-us"}. Each tenant is visited
#   once, so that the work is bounded by the table and a circle in it does no harm.
# scope: document
with_below(children, tenants) := own | below if {
	own := {tenant | some tenant in tenants}
	below := {child | some parent in graph.reachable(children, own); some child in children[parent]}
}

# METADATA
# title: A resource belongs to one of the tenants
# description: |
#   holds({"acme"}, resource) is true if the resource's tenant is one of these. A resource without a tenant is nobody's.
# scope: document
holds(tenants, resource) if {
	resource.tenant != ""
	resource.tenant in tenants
}
