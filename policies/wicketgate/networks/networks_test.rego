package wicketgate.networks_test

import data.wicketgate.networks

office := ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "2001:DB9::1/128"]

test_an_address_inside if {
	every address in ["10.1.2.3", "192.0.2.7", "2001:db8:1::1", "2001:db9::1"] {
		networks.has(office, address)
		networks.has({network | some network in office}, address)
		not networks.excludes(office, address)
	}
}

test_an_address_outside if {
	every address in ["11.0.0.1", "192.0.2.8", "2001:dba::1", "::ffff:192.0.2.8"] {
		not networks.has(office, address)
		networks.excludes(office, address)
	}
}

test_an_address_of_either_spelling if {
	networks.has(office, "::ffff:10.1.2.3")
}

test_no_networks if {
	not networks.has([], "10.1.2.3")
	networks.excludes([], "10.1.2.3")
}

inside if networks.has(office, input.request.address)

outside if networks.excludes(office, input.request.address)

test_no_address if {
	not inside with input as {}
	not outside with input as {}
	not networks.excludes(office, "")
}

test_names_of_networks if {
	table := {"office": ["10.0.0.0/8"], "vpn": ["10.8.0.0/16"], "partner": ["192.0.2.7/32"]}
	networks.named(table, "10.8.1.1") == {"office", "vpn"}
	networks.named(table, "192.0.2.7") == {"partner"}
	networks.named(table, "198.51.100.1") == set()
}
