package shop

orders := {"allow": false, "reasons": ["orders stay"]} if input.request.method == "DELETE"

orders := {"allow": true} if input.request.method != "DELETE"

payments := {"allow": input.request.method == "GET"}

hooks := {"allow": input.request.method == "POST"}

inner if startswith(input.request.path, "/inner/")
