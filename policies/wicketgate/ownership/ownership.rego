# METADATA
# title: Ownership
# description: Whether a resource is the caller's own.
package wicketgate.ownership

# METADATA
# title: The caller owns a resource
# description: |
#   owns(input.consumer, resource) is true if the resource names the caller as its owner, among its owners, or one of
#   the caller's groups as its group. A resource without an owner is nobody's.
# scope: document
owns(consumer, resource) if {
	consumer.id != ""
	resource.owner == consumer.id
}

owns(consumer, resource) if {
	consumer.id != ""
	consumer.id in resource.owners
}

owns(consumer, resource) if {
	resource.group != ""
	resource.group in consumer.groups
}

# METADATA
# title: The owner that an id begins with
# description: |
#   owner_of("acme-1001", "-") is "acme". The last separator counts, so that the owner of "acme-eu-1001" is "acme-eu":
#   nobody owns by having a name that begins another's. Undefined for an id without an owner or without a rest.
# scope: document
owner_of(id, separator) := owner if {
	parts := split(id, separator)
	owner := concat(separator, array.slice(parts, 0, count(parts) - 1))
	owner != ""
	parts[count(parts) - 1] != ""
}
