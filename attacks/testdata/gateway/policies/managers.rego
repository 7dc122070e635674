package attacks.managers

default allow := false

allow if input.consumer.claims.role == "manager"
