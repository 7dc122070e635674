package istio.authz

import input.attributes.request.http as http_request
import input.parsed_path

default allow = false

allow if {
	parsed_path[0] == "healthz"
	http_request.method == "GET"
}

allow if {
	granted[role]
	wanted[role]
}

granted contains role if {
	some role in members[member]
}

wanted contains role if {
	some role, permissions in needs
	some permission in permissions
	permission.method = http_request.method
	permission.path = http_request.path
}

member = name if {
	[_, encoded] := split(http_request.headers.authorization, " ")
	[name, _] := split(base64.decode(encoded), ":")
}

members = {"ada": ["reader"], "bob": ["librarian"]}

needs = {
	"reader": [{"method": "GET", "path": "/catalogue"}],
	"librarian": [{"method": "GET", "path": "/catalogue"}, {"method": "GET", "path": "/catalogue/lost?all=1"}],
}
