package wicketgate.ownership_test

import data.wicketgate.ownership

acme := {"id": "acme", "groups": ["partners"]}

test_the_owner_owns if {
	ownership.owns(acme, {"owner": "acme"})
}

test_one_of_the_owners_owns if {
	ownership.owns(acme, {"owners": ["globex", "acme"]})
}

test_a_member_of_the_group_owns if {
	ownership.owns(acme, {"group": "partners"})
}

test_others_do_not_own if {
	not ownership.owns(acme, {"owner": "globex", "owners": ["globex"], "group": "staff"})
	not ownership.owns(acme, {})
}

test_nobody_owns_nothing if {
	not ownership.owns({"id": ""}, {"owner": "", "owners": [""]})
	not ownership.owns({"id": "x", "groups": [""]}, {"group": ""})
}

test_the_owner_of_an_id if {
	ownership.owner_of("acme-1001", "-") == "acme"
	ownership.owner_of("acme-eu-1001", "-") == "acme-eu"
}

test_an_id_without_owner if {
	not ownership.owner_of("1001", "-")
	not ownership.owner_of("-1001", "-")
	not ownership.owner_of("acme-", "-")
	not ownership.owner_of("", "-")
}
