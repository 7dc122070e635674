package attacks.notes

default allow := false

# What is asked for in the query, said in the body, and sent in the field Shop-Mode: nobody may be admin in any of them.
allow if {
	not admin
	not secret
}

admin if input.request.body.role == "admin"

admin if input.request.query.role[_] == "admin"

admin if input.request.headers["shop-mode"][_] == "admin"

secret if startswith(input.request.body.path, "/secret")
