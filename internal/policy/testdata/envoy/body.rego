package envoy.authz

import input.attributes.request.http as http_request
import input.parsed_body as order

default allow := false

allow if http_request.method == "GET"

allow if {
	http_request.method == "POST"
	not input.truncated_body
	count(order.books) <= 3
	every book in order.books { not book.reference }
	json.unmarshal(http_request.body) == order
	http_request.size == count(http_request.body)
}
