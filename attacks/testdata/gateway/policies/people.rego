package attacks.people

default allow := false

# Nobody makes an administrator.
allow if not admin

admin if lower(input.request.body.role) == "admin"
