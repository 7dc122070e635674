package attacks.events

default allow := false

allow if input.request.body.amount < 1000
