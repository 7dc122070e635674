# The policy as OPA's plugin for Envoy ran it: not a line is changed.
package people.authz

import input.attributes.request.http as http_request

default allow := {"allowed": false, "http_status": 403, "body": "not for you"}

allow := {"allowed": true, "headers": {"x-current-user": user.name}, "request_headers_to_remove": ["authorization"]} if {
	permitted[user.role]
}

allow := {"allowed": false, "http_status": 401, "headers": {"www-authenticate": "Basic"}} if not http_request.headers.authorization

permitted["guest"] if {
	http_request.method == "GET"
	input.parsed_path == ["api", "people"]
}

permitted["admin"] if http_request.method == "GET"

# An admin adds everybody but himself.
permitted["admin"] if {
	http_request.method == "POST"
	lower(input.parsed_body.firstname) != user.name
}

user := {"name": name, "role": data.people.roles[name]} if {
	["Basic", encoded] = split(http_request.headers.authorization, " ")
	[name, _] = split(base64.decode(encoded), ":")
}
