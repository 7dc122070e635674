# What is quoted of a file cannot draw on the terminal.
upstream "[31mred\u001b" { servers = ["http://[2J"] }
