package wicketgate.roles_test

import data.wicketgate.roles

table := {
	"clerk": ["orders:list", "orders:read"],
	"manager": ["*"],
}

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
