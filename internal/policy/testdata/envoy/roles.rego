package envoy.authz

import input.attributes.request.http as http_request

default allow := false

allow if {
	some role in grants[caller.user]
	some permission in roles[role]
	permission.method == http_request.method
	glob.match(permission.path, ["/"], http_request.path)
}

caller := {"user": user, "password": password} if {
	[_, encoded] := split(http_request.headers.authorization, " ")
	[user, password] := split(base64url.decode(encoded), ":")
}

grants := {"grace": {"staff"}, "linus": {"guest"}}

roles := {
	"guest": [{"method": "GET", "path": "/books"}],
	"staff": [
		{"method": "GET", "path": "/books"},
		{"method": "GET", "path": "/books/*"},
		{"method": "POST", "path": "/books"},
	],
}
