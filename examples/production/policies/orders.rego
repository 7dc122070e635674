# METADATA
# title: Orders
# description: Whoever has a key may read its orders. It is a beginning.
package gateway.orders

# METADATA
# title: The decision
# scope: document
allow if {
	input.request.method == "GET"
	input.consumer
}
