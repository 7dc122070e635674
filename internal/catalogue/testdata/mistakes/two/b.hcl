# The same label in two files.
upstream "orders" { servers = ["http://b"] }
