package envoy.authz

import input.attributes.request.http as http_request

default allow := false

allow if {
	is_token_valid
	action_allowed
}

is_token_valid if {
	io.jwt.verify_hs256(bearer, "a secret of the library's own making")
	now := time.now_ns() / 1000000000
	token.payload.nbf <= now
	now < token.payload.exp
}

action_allowed if {
	http_request.method == "GET"
	token.payload.role == "guest"
	glob.match("/books*", ["/"], http_request.path)
}

action_allowed if {
	http_request.method == "DELETE"
	token.payload.role == "admin"
}

token := {"payload": payload} if {
	[_, payload, _] := io.jwt.decode(bearer)
}

bearer := t if {
	v := http_request.headers.authorization
	startswith(v, "Bearer ")
	t := substring(v, count("Bearer "), -1)
}
