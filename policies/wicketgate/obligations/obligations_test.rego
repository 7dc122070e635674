package wicketgate.obligations_test

import data.wicketgate.obligations

fields := {
	"/data/*/email": ["contacts.read", "contacts"],
	"/data/*/card/number": ["payments.read"],
	"/data/*/margin": [],
}

test_fields_hidden if {
	obligations.hidden(fields, {"contacts"}) == {"/data/*/card/number", "/data/*/margin"}
	obligations.hidden(fields, ["contacts.read", "payments.read"]) == {"/data/*/margin"}
	obligations.hidden(fields, set()) == {"/data/*/email", "/data/*/card/number", "/data/*/margin"}
	obligations.hidden({}, set()) == set()
}

test_fields_of_no_table_are_unknown if {
	every fields in [null, [], "/data/*/email"] {
		not obligations.hidden(fields, set())
	}
}

test_a_mistake_in_a_table_hides if {
	obligations.hidden({"/email": "contacts", "/card": null}, {"contacts"}) == {"/email", "/card"}
}

test_own_items if {
	obligations.own_items("/data", {"id": "acme"}) == {"/data": {"owner": "acme"}}
	not obligations.own_items("/data", {"id": ""})
	not obligations.own_items("/data", {})
}

test_items_of_a_tenant if {
	obligations.tenant_items("/data", "acme") == {"/data": {"tenant": "acme"}}
	not obligations.tenant_items("/data", "")
}

plans := {
	"silver": {"per_consumer": {"burst": 100, "daily": 5000}},
	"gold": {"per_consumer": {"burst": 1000}, "exports": {"daily": 50}},
}

test_quotas_of_a_plan if {
	obligations.quotas(plans, ["gold"]) == plans.gold
	obligations.quotas(plans, {"silver", "unknown"}) == plans.silver
}

test_the_highest_quota_counts if {
	obligations.quotas(plans, {"silver", "gold"}) == {"per_consumer": {"burst": 1000, "daily": 5000}, "exports": {"daily": 50}}
}

test_no_plan if {
	obligations.quotas(plans, set()) == {}
	obligations.quotas(plans, ["unknown"]) == {}
}
