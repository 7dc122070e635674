package attacks.files

default allow := false

allow if {
	input.request.method == "GET"
	input.request.segments[1] == "public"
}

allow if {
	input.request.segments[1] == "own"
	input.request.segments[2] == input.consumer.id
}

allow if input.consumer.claims.role == "manager"
