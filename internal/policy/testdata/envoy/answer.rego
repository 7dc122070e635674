package envoy.authz

import input.attributes.request.http as http_request

default allow := {
	"allowed": false,
	"headers": {"X-Reason": "not for you"},
	"body": "ask at the desk",
	"http_status": 404,
}

allow := response if {
	http_request.method == "GET"
	http_request.headers[":path"] == http_request.path
	response := {
		"allowed": true,
		"headers": {"x-reader": http_request.headers["x-member"], "x-shelves": ["a", "b"]},
		"response_headers_to_add": {"x-checked": "yes"},
		"request_headers_to_remove": ["x-member"],
		"query_parameters_to_set": {"lang": "en"},
		"query_parameters_to_remove": ["debug"],
		"dynamic_metadata": {"reader": {"id": http_request.headers["x-member"]}},
		"http_status": 200,
	}
}
