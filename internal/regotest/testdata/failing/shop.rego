package shop

import data.prices

allow if input.consumer.id == "acme"

allow if {
	input.consumer.groups[_] == "staff"
	input.request.method == "GET"
}

reasons contains "nobody" if not input.consumer

total(lines) := sum([price |
	some line in lines
	price := prices[line.sku] * line.qty
])

never if input.api.name == "other"
