package envoy.authz

default allow := false

allow if {
	input.attributes.request.http.method == "POST"
	startswith(input.attributes.request.http.headers["content-type"], kinds[_])
	input.parsed_body.answer[0] == "42"
	count(input.parsed_body.tag) == 2
}

kinds := ["application/x-www-form-urlencoded", "multipart/form-data"]

allow if {
	input.attributes.request.http.method == "PUT"
	input.parsed_body == null
	contains(input.attributes.request.http.body, "please")
}
