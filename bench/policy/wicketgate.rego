# A role of the caller's must grant the request's action, and the item must be the caller's own.
package bench.items

allow if {
	granted
	input.api.parameters.id in data.owned[input.consumer.id]
}

granted if {
	some role in input.consumer.claims.roles
	some grant in data.grants[role]
	grant.action == action
	grant.api == input.api.name
}

action := "read" if input.request.method in {"GET", "HEAD"}

action := "write" if input.request.method == "POST"
