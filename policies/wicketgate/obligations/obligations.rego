# METADATA
# title: Obligations
# description: |
#   Values for drop, mask, filter and limits: what the gateway has to do to an answer, or to a quota, because of who
#   asks. An obligation that is undefined hides nothing, as where its table is missing or nobody is known to call; so let
#   allow depend on each: allow if { granted; drop; filter }.
package wicketgate.obligations

# METADATA
# title: Fields that a caller does not see
# description: |
#   hidden({"/data/*/email": ["contacts.read"]}, held) are those JSON pointers of a table of which the caller holds
#   none of the scopes (or roles, or groups) that let it see the field: a value for drop or mask. One table serves all
#   routes, since what an answer does not have need not be hidden. Where strangers may call, let held be a partial set,
#   `held contains scope if some scope in input.consumer.scopes`, which is empty and not undefined for them.
# scope: document
hidden(fields, held) := pointers if {
	is_object(fields) # of anything else, nothing would be hidden
	pointers := {pointer |
		some pointer, sufficient in fields
		not holds_one(held, sufficient)
	}
}

# METADATA
# title: One of some is held
# scope: document
holds_one(held, sufficient) if {
	some word in sufficient
	word in held
}

# METADATA
# title: The caller's items of a list
# description: |
#   own_items("/data", input.consumer) keeps the items of a list whose owner is the caller: a value for filter. It is
#   undefined for a caller without an id.
# scope: document
own_items(list, consumer) := {list: {"owner": consumer.id}} if consumer.id != ""

# METADATA
# title: A tenant's items of a list
# description: |
#   tenant_items("/data", "acme") keeps the items of a list that belong to one tenant: a value for filter. It is
#   undefined without a tenant.
# scope: document
tenant_items(list, tenant) := {list: {"tenant": tenant}} if tenant != ""

# METADATA
# title: The quotas of plans
# description: |
#   quotas({"gold": {"per_consumer": {"burst": 1000}}}, input.consumer.groups) are the quotas of those plans of a table
#   that are named, the highest where two plans give the same: a value for limits.
# scope: document
quotas(plans, names) := {limit: highest(plans, names, limit) |
	some name in names
	some limit, _ in plans[name]
}

# METADATA
# title: The highest quotas that plans give of one limit
# scope: document
highest(plans, names, limit) := {quota: max([plans[plan][limit][quota] | some plan in names]) |
	some name in names
	some quota, _ in plans[name][limit]
}
