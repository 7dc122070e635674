package notes

allow if input.consumer.id == "acme"

reasons contains "stranger" if not allow
