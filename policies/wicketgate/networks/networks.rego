# METADATA
# title: Networks
# description: |
#   Whether an address lies in a network. Networks are lists or sets of ranges: 10.0.0.0/8, 2001:db8::/32, 192.0.2.7/32.
#   One that is no range fails the decision, which is a denial.
package wicketgate.networks

# METADATA
# title: An address lies in one of the networks
# description: has(["10.0.0.0/8"], input.request.address) is true if one of the ranges has the address.
# scope: document
has(networks, address) if count(net.cidr_contains_matches(networks, address)) > 0

# METADATA
# title: An address lies in none of the networks
# description: |
#   excludes(["192.0.2.0/24"], input.request.address) is true if none of the ranges has the address. It is undefined for
#   a caller without an address, whom no range has either: `not blocked`, of a rule blocked that asks has, would be true.
# scope: document
excludes(networks, address) if {
	address != ""
	not has(networks, address)
}

# METADATA
# title: Names of the networks an address lies in
# description: |
#   named({"office": ["10.0.0.0/8"], "vpn": ["10.8.0.0/16"]}, input.request.address) are the names of those lists that
#   have the address.
# scope: document
named(table, address) := {name |
	some name, networks in table
	has(networks, address)
}
