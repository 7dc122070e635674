package envoy.authz

import rego.v1

default allow := false

# The root, which the plugin gives as one empty segment.
allow if input.parsed_path == [""]

allow if input.parsed_path == ["status"]

allow if {
	["members", name, "loans"] = input.parsed_path
	name == input.attributes.request.http.headers["x-member"]
}

allow if {
	some i, segment in input.parsed_path
	segment == "files"
	input.parsed_path[i + 1] == "read me.txt"
}
