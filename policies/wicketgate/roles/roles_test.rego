package wicketgate.roles_test

import data.wicketgate.roles

table := {
	"clerk": ["orders:list", "orders:read"],
	"manager": ["*"],
}

inherits := {"owner": ["manager"], "manager": ["clerk", "buyer"], "clerk": ["guest"]}

test_one_claimed_role if {
	roles.claimed({"method": "jwt", "claims": {"role": "clerk"}}) == {"clerk"}
}

test_several_claimed_roles if {
	roles.claimed({"method": "jwt", "claims": {"role": "clerk", "roles": ["manager", "clerk"]}}) == {"clerk", "manager"}
}

test_a_claim_of_another_shape_is_no_role if {
	roles.claimed({"method": "jwt", "claims": {"role": 7, "roles": "manager"}}) == set()
}

test_only_a_token_claims if {
	roles.claimed({"method": "api_key", "claims": {"role": "manager"}}) == set()
	roles.claimed({"method": "jwt"}) == set()
}

test_assigned_roles if {
	assignments := {"jwt": {"ada": ["manager", "clerk"]}, "api_key": {"acme": ["partner"]}}
	roles.assigned(assignments, {"id": "ada", "method": "jwt"}) == {"manager", "clerk"}
	roles.assigned(assignments, {"id": "acme", "method": "api_key"}) == {"partner"}
	roles.assigned(assignments, {"id": "acme", "method": "jwt"}) == set()
	roles.assigned(assignments, {"id": "globex", "method": "api_key"}) == set()
	roles.assigned(assignments, {}) == set()
}

test_roles_of_groups if {
	groups := {"staff": ["clerk", "guest"], "board": ["owner"]}
	roles.of_groups(groups, {"groups": ["staff", "unknown"]}) == {"clerk", "guest"}
	roles.of_groups(groups, {"groups": ["staff", "board"]}) == {"clerk", "guest", "owner"}
	roles.of_groups(groups, {}) == set()
}

test_inherited_roles if {
	roles.with_inherited(inherits, {"owner"}) == {"owner", "manager", "clerk", "buyer", "guest"}
	roles.with_inherited(inherits, ["clerk"]) == {"clerk", "guest"}
	roles.with_inherited(inherits, {"guest", "unknown"}) == {"guest", "unknown"}
	roles.with_inherited(inherits, set()) == set()
	roles.with_inherited({}, {"owner"}) == {"owner"}
}

test_a_circle_of_inheritance_ends if {
	roles.with_inherited({"a": ["b"], "b": ["c", "a"]}, {"a"}) == {"a", "b", "c"}
}

test_permissions if {
	roles.permissions(table, {"clerk", "manager", "guest"}) == {"orders:list", "orders:read", "*"}
	roles.permissions(table, set()) == set()
}

test_a_permission_is_granted if {
	roles.grants(table, {"clerk"}, "orders:read")
	roles.grants(table, ["guest", "clerk"], "orders:read")
}

test_a_permission_is_not_granted if {
	not roles.grants(table, {"clerk"}, "orders:delete")
	not roles.grants(table, {"guest"}, "orders:read")
	not roles.grants(table, set(), "orders:read")
}

test_a_star_grants_everything if {
	roles.grants(table, {"manager"}, "orders:delete")
	roles.grants(table, {"clerk", "manager"}, "stock:read")
}
