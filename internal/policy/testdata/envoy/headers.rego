package envoy.authz

http_request := input.attributes.request.http

default allow := false

allow if {
	not denied
	http_request.headers[":authority"] == "library.example:8443"
	http_request.host == "library.example:8443"
	http_request.scheme == "https"
	http_request.protocol == "HTTP/2"
	http_request.headers[":method"] == "GET"
	split(http_request.headers["x-groups"], ",") == ["readers", "members"]
}

denied if input.attributes.contextExtensions.closed == "true"

denied if input.attributes.metadataContext.filterMetadata["envoy.filters.http.jwt_authn"].fault

denied if not input.version.ext_authz == "v3"
