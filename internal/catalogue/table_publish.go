package catalogue

var subscriberBlock = &block{
	name: "subscriber", label: nameLabel, max: 256,
	doc: "Whoever is told of events that routes with a `publish` block are handed. [Webhooks](webhooks.md#telling-others) says how.",
	attributes: []attribute{
		{name: "to", kind: reference{to: "upstream"}, required: true, doc: "The server that is told."},
		{name: "path", kind: pathText, required: true, doc: "The path that events are sent to, with POST."},
		{name: "sign", kind: secretRef, required: true, doc: "The secret, `whsec_` and base64, with which they are signed in the form of Standard Webhooks."},
		{name: "version", kind: anyText, absent: "the newest", doc: "The name of the version in whose shape it gets the events of APIs with versions."},
		{name: "only", kind: each{of: word{what: "a kind of event such as \"order.*\", in which * stands for any text"}, min: 1, max: 64}, absent: "all",
			doc: "The kinds of event that it is told of, in which `*` stands for any text."},
	},
	blocks: []*block{retryFor},
}

// retryFor is how long events are delivered again.
var retryFor = &block{
	name: "retry", max: 1, doc: "How long what was not taken is delivered again, with pauses of 1 s that grow to 10 min; after it the event is a dead letter. Without it, for 72h.",
	attributes: []attribute{
		{name: "for", kind: keepSpan, required: true, doc: "For how long, from when the event came."},
	},
}

var publishBlock = &block{
	name: "publish", max: 1,
	doc: "Makes each request of a POST route an event for subscribers, in the place of an upstream: it is answered 202 once the event is in the ledger for each of them. The route accepts an object, which they get in the shape of their own version.",
	attributes: []attribute{
		{name: "to", kind: each{of: reference{to: "subscriber"}, min: 1, max: 64}, required: true, doc: "Who is told."},
		{name: "kind", kind: computed, absent: "none", doc: "The kind of the event, which subscribers' `only` looks at, such as `body.type`."},
		{name: "id", kind: computed, absent: "a new one for each request", doc: "What names the event: for six minutes another of its name is the same again, so that a service can repeat what was not answered."},
		{name: "order", kind: computed, absent: "none", doc: "Events for which this is the same are delivered one after the other to each subscriber, as they came."},
	},
}
