# METADATA
# title: Scopes
# description: Whether a token was given out for what its bearer is doing (RFC 6749, section 3.3).
package wicketgate.scopes

# METADATA
# title: The caller has all of the scopes
# description: allows(input.consumer, {"orders.read"}) is true if the caller's token has each of the scopes asked for.
# scope: document
allows(consumer, required) if count(missing(consumer, required)) == 0

# METADATA
# title: Scopes the caller lacks
# description: The scopes asked for that the caller does not have; all of them if nobody is known to call.
# scope: document
missing(consumer, required) := {scope |
	some scope in required
	not scope in object.get(consumer, "scopes", [])
}
