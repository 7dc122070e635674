package notes

allow if input.consumer.id == "acme"

reasons contains "stranger" if not allow

# Nobody outside sees what is internal.
drop contains "/internal" if input.consumer.method == "api_key"
