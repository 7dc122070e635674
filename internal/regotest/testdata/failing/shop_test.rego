package shop_test

import data.shop

acme := {"consumer": {"id": "acme"}}

globex := {"consumer": {"id": "globex", "groups": []}}

test_allowed if shop.allow with input as acme

test_denied if {
	not shop.allow with input as acme
}

test_allowed_too if {
	shop.allow with input as globex
}

test_reasons if {
	shop.reasons == {"nobody", "nothing"} with input as {}
}

test_total if {
	lines := [{"sku": "a", "qty": 2}, {"sku": "b", "qty": 1}]
	want := 25
	shop.total(lines) == want
}

test_every if {
	every id in ["acme", "globex"] {
		shop.allow with input as {"consumer": {"id": id, "groups": []}}
	}
}

test_table[tc.note] if {
	some tc in [
		{"note": "one", "lines": [{"sku": "a", "qty": 1}], "want": 10},
		{"note": "none", "lines": [], "want": 1},
	]
	shop.total(tc.lines) == tc.want
}

test_error if {
	json.unmarshal("{") == {}
}

test_printing if {
	x := 1
	print("x is", x)
	x == 2
}

todo_test_later if false
