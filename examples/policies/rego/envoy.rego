# METADATA
# title: A policy for Envoy
# description: |
#   Written for OPA's plugin for Envoy, in its words: the request is input.attributes, the answer an object. It runs here
#   as it is.
package envoy.authz

import input.attributes.request.http as http_request

default allow := {"allowed": false, "body": "say who you are: /envoy/hello?name=…", "http_status": 401}

allow := {"allowed": true, "headers": {"x-current-user": name}} if {
	http_request.method == "GET"
	input.parsed_path == ["envoy", "hello"]
	[name] := input.parsed_query.name
}
