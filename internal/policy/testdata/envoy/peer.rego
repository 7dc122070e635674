package envoy.authz

default allow := false

allow if {
	net.cidr_contains("192.0.2.0/24", input.attributes.source.address.socketAddress.address)
	input.attributes.destination.address.socketAddress.portValue == 8443
}

allow if startswith(input.attributes.source.principal, "spiffe://acme.example/")

allow if {
	input.source_principal == "spiffe://acme.example/eve"
	contains(urlquery.decode(input.attributes.source.certificate), "BEGIN CERTIFICATE")
}
