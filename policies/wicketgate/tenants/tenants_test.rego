package wicketgate.tenants_test

import data.wicketgate.tenants

test_tenants_in_a_token if {
	tenants.claimed({"method": "jwt", "claims": {"tenant": "acme"}}, "tenant") == {"acme"}
	tenants.claimed({"method": "jwt", "claims": {"orgs": ["acme", "globex"]}}, "orgs") == {"acme", "globex"}
}

test_a_claim_of_another_shape_is_no_tenant if {
	tenants.claimed({"method": "jwt", "claims": {"tenant": 7}}, "tenant") == set()
	tenants.claimed({"method": "jwt", "claims": {"tenant": ["", 7, null]}}, "tenant") == set()
	tenants.claimed({"method": "jwt", "claims": {"tenant": {"id": "acme"}}}, "tenant") == set()
}

test_only_a_token_claims if {
	tenants.claimed({"method": "api_key", "claims": {"tenant": "acme"}}, "tenant") == set()
	tenants.claimed({"method": "jwt"}, "tenant") == set()
}

test_assigned_tenants if {
	table := {"api_key": {"acme-shop": ["acme"]}}
	tenants.assigned(table, {"id": "acme-shop", "method": "api_key"}) == {"acme"}
	tenants.assigned(table, {"id": "acme-shop", "method": "jwt"}) == set()
	tenants.assigned(table, {}) == set()
}

test_tenants_below if {
	children := {"acme": ["acme-eu"], "acme-eu": ["acme-de", "acme"]}
	tenants.with_below(children, {"acme"}) == {"acme", "acme-eu", "acme-de"}
	tenants.with_below(children, ["acme-de", "globex"]) == {"acme-de", "globex"}
	tenants.with_below(children, set()) == set()
}

test_a_tenant_holds_its_own if {
	tenants.holds({"acme", "globex"}, {"tenant": "acme"})
	tenants.holds(["acme"], {"tenant": "acme"})
}

test_a_tenant_holds_nothing_else if {
	not tenants.holds({"acme"}, {"tenant": "globex"})
	not tenants.holds({"acme"}, {"owner": "acme"})
	not tenants.holds(set(), {"tenant": "acme"})
	not tenants.holds({""}, {"tenant": ""})
}
