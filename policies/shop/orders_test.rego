package shop.orders_test

import data.shop.orders

acme := {"id": "acme", "method": "api_key", "scopes": [], "groups": []}

clerk := {"id": "ada", "method": "jwt", "claims": {"role": "clerk"}}

supervisor := {"id": "lin", "method": "jwt", "claims": {"role": "supervisor"}}

manager := {"id": "grace", "method": "jwt", "claims": {"role": "manager"}}

request(route, id, consumer) := {
	"api": {"name": "orders", "route": route, "parameters": {"id": id}},
	"consumer": consumer,
}

test_a_partner_works_with_orders_of_its_own if {
	every route in ["GET /orders", "POST /orders", "GET /orders/{id}", "PUT /orders/{id}"] {
		orders.allow with input as request(route, "acme-1001", acme)
	}
}

test_a_partner_does_not_see_orders_of_others if {
	every id in ["globex-1001", "acme-eu-1001", "1001", "acme", "ACME-1001"] {
		every route in ["GET /orders/{id}", "PUT /orders/{id}"] {
			not orders.allow with input as request(route, id, acme)
			orders.reasons == {"not-owner"} with input as request(route, id, acme)
			orders.problem.detail == "this order belongs to someone else" with input as request(route, id, acme)
		}
	}
}

test_a_partner_deletes_nothing if {
	not orders.allow with input as request("DELETE /orders/{id}", "acme-1001", acme)
	orders.reasons == {"role-lacks-permission"} with input as request("DELETE /orders/{id}", "acme-1001", acme)
	orders.problem.detail == "your role does not let you delete orders" with input as request("DELETE /orders/{id}", "acme-1001", acme)
}

test_a_clerk_reads_all_orders if {
	orders.allow with input as request("GET /orders", "", clerk)
	orders.allow with input as request("GET /orders/{id}", "globex-1001", clerk)
}

test_a_clerk_sees_no_addresses if {
	orders.mask == {"/customer/email", "/data/*/customer/email"} with input as request("GET /orders", "", clerk)
}

test_others_see_all if {
	every consumer in [acme, supervisor, manager] {
		orders.mask == set() with input as request("GET /orders", "", consumer)
	}
}

test_nobody_may_anything_without_a_table_of_what_to_hide if {
	not orders.allow with input as request("GET /orders", "", manager) with data.shop.hidden as null
	not orders.allow with input as request("GET /orders/{id}", "acme-1001", acme) with data.shop.hidden as null
}

test_a_clerk_changes_nothing if {
	every route in ["POST /orders", "PUT /orders/{id}", "DELETE /orders/{id}"] {
		not orders.allow with input as request(route, "acme-1001", clerk)
		orders.reasons == {"role-lacks-permission"} with input as request(route, "acme-1001", clerk)
	}
}

test_a_supervisor_is_a_clerk_who_replaces if {
	every route in ["GET /orders", "GET /orders/{id}", "PUT /orders/{id}"] {
		orders.allow with input as request(route, "globex-1001", supervisor)
	}
	every route in ["POST /orders", "DELETE /orders/{id}"] {
		not orders.allow with input as request(route, "globex-1001", supervisor)
		orders.reasons == {"role-lacks-permission"} with input as request(route, "globex-1001", supervisor)
	}
}

test_a_manager_may_do_everything if {
	every route in ["GET /orders", "POST /orders", "GET /orders/{id}", "PUT /orders/{id}", "DELETE /orders/{id}"] {
		orders.allow with input as request(route, "acme-1001", manager)
		count(orders.reasons) == 0 with input as request(route, "acme-1001", manager)
		not orders.problem with input as request(route, "acme-1001", manager)
	}
}

test_a_role_counts_only_with_its_credential if {
	claims := {"role": "manager"}
	not orders.allow with input as request("DELETE /orders/{id}", "acme-1001", object.union(acme, {"claims": claims}))
	every role in ["partner", "nobody", ""] {
		not orders.allow with input as request("GET /orders", "", {"id": "acme", "method": "jwt", "claims": {"role": role}})
	}
	not orders.allow with input as request("GET /orders/{id}", "ada-1", {"id": "ada", "method": "user"})
}

test_a_route_that_is_not_listed if {
	not orders.allow with input as request("PATCH /orders/{id}", "acme-1001", manager)
	orders.reasons == {"unknown-action"} with input as request("PATCH /orders/{id}", "acme-1001", manager)
}

test_nobody if {
	anonymous := {"api": {"name": "orders", "route": "GET /orders", "parameters": {}}}
	not orders.allow with input as anonymous
	orders.reasons == {"anonymous"} with input as anonymous
}
