package catalogue

import (
	"slices"
	"time"
)

// terms are the attributes and blocks that may stand on an API, a version or a route.
var terms = []attribute{
	{name: "upstream", kind: reference{to: "upstream"}, absent: "that of the nearest level around; one must be written",
		doc: "The service that answers. On a version, one that speaks that version: its requests, and those of older versions down to the next with an upstream of its own, are brought to its shape and no further, and its schema, rules and policies see that shape. On an API or a route, one that speaks the newest version."},
	{name: "identify", kind: each{of: reference{to: "identity", words: []string{"anonymous"}}, min: 1, max: 16}, absent: "that of the nearest level around; one must be written",
		doc: "Who is let in, tried in this order; `anonymous` lets in callers without credentials."},
	{name: "limits", kind: each{of: reference{to: "limit"}, min: 1, max: 8}, doc: "The quotas that are counted; those of all levels add up."},
	{name: "authorize", kind: policy{}, absent: "that of the nearest level around; one must be written",
		doc: "The policy that decides; `public` lets everyone do everything."},
	{name: "unknown_query", kind: choice{of: []string{string(Allow), string(Report), string(Refuse)}}, absent: "that of the nearest level around, at last `\"allow\"`",
		doc: "What becomes of query parameters that the route does not declare: they are let pass, let pass and reported in the log and the metrics, or refused."},
	{name: "max_body", kind: size{1, 64 << 20}, absent: `that of the nearest level around, at last "1MiB"`, doc: "The largest body of a request."},
}

var ruleBlock = &block{
	name: "rule", max: 64,
	label: &label{"a text of at most 128 characters", ruleLabelPattern.MatchString, true, nil},
	doc:   "What must be true of a request; rules of all levels add up.",
	attributes: []attribute{
		{name: "when", kind: yesOrNo, required: true, doc: "What must be true, in HCL's syntax or as `expr(\"…\")`."},
		{name: "detail", kind: quoting{}, required: true, doc: "What the caller of a request is told of which it is not. It may quote the request: `\"the amount ${body.amount} must be positive\"`, each value cut to 128 bytes."},
		{name: "at", kind: word{`a JSON Pointer (RFC 6901) such as "/total/amount"`, pointerPattern.MatchString}, absent: "the one member of the body that `when` names, and of a list of which all or none must meet a condition the item that fails it; otherwise the whole body", doc: "Where in the body the mistake is."},
	},
}

func withTerms(own ...attribute) []attribute { return slices.Concat(own, terms, bodyTerms) }

var apiBlock = &block{
	name: "api", label: nameLabel, max: 256,
	doc: "An API. `upstream`, `identify`, `limits`, `authorize`, `max_body`, `unknown_query`, `compressed`, `takes`, `report_only`, `responses`, `rule` and `forward` may stand on it, on a version and on a route: the nearest wins, limits and rules add up.",
	attributes: withTerms(
		attribute{name: "openapi", kind: file{"an OpenAPI document, 3.0 or 3.1, in YAML or JSON"}, absent: "everything is written here",
			doc: "A document that describes the API's newest version: its operations become routes, its schemas objects, as [OpenAPI](openapi.md) says. A route written here adds to the operation of the same method and path."},
		attribute{name: "security", kind: schemes{}, absent: "each scheme is the identity of its name",
			doc: "Which identity a security scheme of the `openapi` document is: `{ oauth = identity.staff }`."},
		attribute{name: "hosts", kind: each{of: word{"a host name in lower case, without port", hostName}, min: 1, max: 64}, absent: "any host",
			doc: "The hosts on which the API is served, exactly."},
		attribute{name: "base_path", kind: word{`a canonical path such as "/api", without a trailing slash`, basePath}, def: "/",
			doc: "The path below which the API is served. Where an `openapi` document is named, the path of its first server, unless this is written."},
		attribute{name: "formats", kind: each{of: choice{of: []string{"json", "xml"}}, min: 1, max: 2}, def: []string{"json"},
			doc: "The formats of the bodies: JSON always, and XML besides, read and written by the objects' schemas as [XML](xml.md) says."},
		attribute{name: "describe", kind: choice{of: []string{string(Callers), string(Everyone), string(Nobody)}}, absent: "`\"callers\"`; `\"nobody\"` where `identify` stands only on routes, or a route of the API takes the path",
			doc: "Who may read the API's description (OpenAPI 3.1), at `/openapi.json` below the base path and the version: those whom `identify` lets in, everyone, or nobody. The API is listed at `/.well-known/api-catalog` (RFC 9727) unless nobody may."},
		attribute{name: "rewrite", kind: word{`a canonical path such as "/internal", without a trailing slash`, basePath}, absent: "`base_path`",
			doc: "What the upstream has in the place of `base_path`; `/` takes it off."},
	),
	blocks: []*block{
		{
			name: "versioning", max: 1,
			doc: "Where a request may name its version. All that name one must agree.",
			attributes: []attribute{
				{name: "path", kind: truth{}, def: false, doc: "Whether the segment after the base path may name the version: `/api/v1/orders`."},
				{name: "host", kind: word{`a host with {version} once, as one of its labels or a part of the first: "{version}.api.acme.example", "api-{version}.acme.example"`, versionedHost}, absent: "none",
					doc: "The hosts that name the version; the API is served at them besides its `hosts`, which name none."},
				{name: "header", kind: word{"the name of a header field of letters, digits and -, none that HTTP or the gateway uses itself", headerName}, absent: "none",
					doc: "The header field that may name the version."},
				{name: "media_type", kind: word{`a media type with {version} once in its subtype: "application/vnd.acme.{version}+json"`, versionedType}, absent: "none",
					doc: "The media type, of Accept and Content-Type, that may name the version."},
				{name: "query", kind: word{"the name of a query parameter: at most 64 letters, digits, ., _, ~ and -", queryPattern.MatchString}, absent: "none",
					doc: "The query parameter that may name the version."},
				{name: "pin", kind: expression{"an expression over consumer and claims"}, absent: "none",
					doc: "The version of a caller whose request names none, such as `consumer.api_version` or `claims.version`; null and an empty text are no version."},
				{name: "default", kind: reference{to: "version"}, absent: "such requests are answered 400",
					doc: "The version of requests that name none and are not pinned; neither retired nor a preview."},
			},
		},
		{
			name: "cors", max: 1,
			doc: "Lets browsers' pages of other origins call (CORS). Preflights are answered for all versions together, and what the service says of origins is replaced.",
			attributes: []attribute{
				{name: "origins", kind: each{of: origin{}, min: 1, max: 64}, required: true,
					doc: "The origins whose pages may call, compared exactly; `*` and `null`, which any page can have, go without `credentials`."},
				{name: "headers", kind: each{of: word{"the name of a header field", headerPattern.MatchString}, min: 1, max: 64}, absent: "those that the gateway itself reads",
					doc: "The header fields that pages may send besides those that the gateway itself reads."},
				{name: "expose", kind: each{of: word{"the name of a header field", headerPattern.MatchString}, min: 1, max: 64}, absent: "those that the gateway itself writes",
					doc: "The header fields of answers that pages may read besides those that the gateway itself writes."},
				{name: "credentials", kind: truth{}, def: false, doc: "Whether pages may send what the browser keeps for the API: cookies and certificates."},
				{name: "max_age", kind: span{min: 0, max: 24 * time.Hour, whole: true}, def: 5 * time.Second, doc: "How long a browser may keep a preflight's answer."},
			},
		},
		objectBlock, routeBlock, ruleBlock, forwardBlock, versionBlock,
	},
}

var objectBlock = &block{
	name: "object", label: nameLabel, max: 4000,
	doc: "A shape that bodies have, the newest version's.",
	attributes: []attribute{
		{name: "schema", kind: file{"a JSON Schema (2020-12)"}, required: true, doc: "The shape of the object in the newest version."},
		{name: "holds", kind: places{}, absent: "none", doc: "The objects in this one, by their paths."},
	},
}

var routeBlock = &block{
	name: "route", min: 1, max: 2000,
	label: &label{`a method and a pattern, such as "GET /orders/{id}": one of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, then literal segments and {parameters}, without a trailing slash`, routeLabel, true, whyNoRoute},
	doc:   "A resource and what may be done with it.",
	attributes: withTerms(
		attribute{name: "accepts", kind: reference{to: "object"}, absent: "the body is not looked at", doc: "The object that requests carry; with PATCH, the object that a merge patch (RFC 7396) or a JSON Patch (RFC 6902) is for, which older versions can have only where changes of it rename, move, wrap, list, translate or convert members."},
		attribute{name: "returns", kind: places{whole: true}, absent: "the answer is not changed", doc: "The objects in the answer: the whole of it, or those at paths."},
		attribute{name: "since", kind: reference{to: "version"}, absent: "the first", doc: "The first version that has this route."},
		attribute{name: "until", kind: reference{to: "version"}, absent: "none", doc: "The first version that no longer has this route."},
		attribute{name: "merge", kind: truth{}, def: false, doc: "Whether the PUT of an older version is laid over what is there, so that nothing is lost that its caller cannot see: the gateway reads the resource, merges, and writes with If-Match, once more if another writer came between. The same path needs a GET route that returns the whole object, and its service strong entity tags."},
		attribute{name: "integration", kind: reference{to: "integration"}, absent: "the upstream answers", doc: "The third party that answers, in the place of an upstream, as [integrations](integrations.md) says. It is spoken to in the newest version's shape."},
		attribute{name: "send", kind: sending{}, absent: "it must be written beside `integration`", doc: "The method and path that the integration is asked for, below its `url`: `\"POST /v1/orders/{id}\"`. `{id}` is the route's parameter, `${…}` an expression; what they say is one segment of the path or a part of one, and is escaped. A value that is empty, a dot segment, or has a slash, a backslash, a percent sign or a control character is answered 422."},
		attribute{name: "encode", kind: choice{of: []string{"json", "form", "xml"}}, absent: "`\"json\"`", doc: "How the body is encoded for the integration: a form has members of members as `a[b]` and items of lists as `a[0]`, XML each member as an element."},
		attribute{name: "decode", kind: choice{of: []string{"json", "form", "xml"}}, absent: "`\"json\"`", doc: "What the integration's answers are. What is not JSON becomes JSON, before all that is done to the answer, as [integrations](integrations.md#other-forms) says; a success in another form is a 502."},
		attribute{name: "rewrite", kind: word{`a canonical path, which may have the route's {parameters}, such as "/internal/orders/{id}"`, rewritePath}, absent: "the path asked for, without the version",
			doc: "The whole path that the upstream is asked for instead."},
	),
	blocks: []*block{
		idempotencyBlock, publishBlock, queryBlock, headerBlock, pathBlock, ruleBlock, forwardBlock, responseBlock, sanitizeBlock, multipartBlock, shapeRequestBlock, shapeAnswerBlock,
	},
}

var versionBlock = &block{
	name: "version", max: 64,
	label: &label{`a name of at most 64 letters, digits, ., _ and -, usable in a path, a header field and a media type: "v1", "2026-11-01"`, versionLabel, true, nil},
	doc:   "A version, and what it changed of the one released before it. Active, deprecated and retired follow from the dates.",
	attributes: withTerms(
		attribute{name: "released", kind: date{}, absent: "the label, which must be a date then", doc: "When the version appeared; versions are ordered by it."},
		attribute{name: "deprecated", kind: date{}, absent: "never", doc: "From when on the version is deprecated, not before `released`; it may lie ahead."},
		attribute{name: "sunset", kind: date{}, absent: "never", doc: "From when on the version is answered 410, not before `deprecated`."},
		attribute{name: "docs", kind: webPage, absent: "none", doc: "The page on how to leave this version."},
		attribute{name: "preview", kind: truth{}, def: false, doc: "Whether the version is only for requests that name it."},
	),
	blocks: []*block{
		{
			name: "brownout", max: 64,
			doc: "A rehearsal of the sunset: the version is answered 410 for a while.",
			attributes: []attribute{
				{name: "from", kind: date{}, required: true, doc: "When it begins, between `released` and `sunset`."},
				{name: "for", kind: span{min: time.Second, max: 7 * 24 * time.Hour, whole: true}, required: true, doc: "How long it lasts."},
			},
		},
		changeBlock, ruleBlock, forwardBlock,
	},
}

var (
	acceptLoss = attribute{name: "accept", kind: anyText, absent: "none", doc: "Why what is lost on the way may be lost. Without it a change does not load if old values do not come back, and is warned of if a PUT of an older caller resets new ones."}
	operation  = func(name, doc string, attributes ...attribute) *block {
		return &block{name: name, label: pathLabel, max: 256, doc: doc, attributes: attributes}
	}
	memberPath = word{`the path of a member, at most 32 names: "name", "customer.name"`, pathPattern.MatchString}
	memberName = word{"the name of a member, without dots", memberPattern.MatchString}
	memberList = each{of: memberName, min: 2, max: 16}
)

var changeBlock = &block{
	name: "change", max: 256,
	label: &label{"a name of at most 64 letters, digits, _ and -", slugPattern.MatchString, true, nil},
	doc:   "One change of an object, written as its operations turn the older shape into the newer; they run in written order, and backwards for answers.",
	attributes: []attribute{
		{name: "summary", kind: anyText, required: true, doc: "The change in a sentence, for the changelog."},
		{name: "on", kind: reference{to: "object"}, required: true, doc: "The object that changed, wherever it travels."},
	},
	blocks: []*block{
		operation("rename", "Gives a member another name where it is.",
			attribute{name: "to", kind: memberName, required: true, doc: "The new name."}),
		operation("move", "Puts a member elsewhere.",
			attribute{name: "to", kind: memberPath, required: true, doc: "The new path."}),
		operation("drop", "Takes a member away.",
			attribute{name: "restore", kind: value{}, required: true, doc: "What older callers are given in its place."},
			attribute{name: "accept", kind: anyText, required: true, doc: "Why the old value may be lost."}),
		operation("add", "Adds a member that older callers do not know.",
			attribute{name: "value", kind: value{}, required: true, doc: "What it is for older callers."}, acceptLoss),
		operation("enum", "Replaces values of a member.",
			attribute{name: "pairs", kind: pairs{}, required: true, doc: "The old values and the new ones."}, acceptLoss),
		operation("wrap", "Puts a value into an object of its own: `7` becomes `{\"amount\": 7}`.",
			attribute{name: "in", kind: memberName, required: true, doc: "The name of the object's only member."}),
		operation("unwrap", "Takes a value out of the object around it, which may have no other member: `{\"amount\": 7}` becomes `7`.",
			attribute{name: "from", kind: memberName, required: true, doc: "The name of the object's only member."}),
		operation("list", "Puts a value into a list of its own: `7` becomes `[7]`."),
		operation("unlist", "Takes a value out of the list around it, which may have no other item: `[7]` becomes `7`."),
		operation("scale", "Moves a number's decimal point, so that one side is an integer: `\"12.30\"` becomes `1230`. It is done on the digits, so that no number is too exact; null is left alone.",
			attribute{name: "decimals", kind: integer{-18, 18}, required: true, doc: "By how many digits to the right, not 0; to the left where negative, so that `1230` becomes `\"12.30\"`."},
			attribute{name: "as", kind: choice{of: []string{"string", "number"}}, def: "string", doc: "What the side with the decimal point is: a string that has exactly so many decimals, or a number that has no more."}),
		operation("cast", "Gives a value another type: `\"7\"` becomes `7`, or the other way round. A string must spell a JSON number or boolean exactly, and a number keeps its spelling; null is left alone.",
			attribute{name: "from", kind: choice{of: []string{"string", "number", "boolean"}}, absent: "`\"number\"` to a string, else `\"string\"`", doc: "The old type."},
			attribute{name: "to", kind: choice{of: []string{"string", "number", "boolean"}}, required: true, doc: "The new type; one of both is `\"string\"`."}),
		operation("split", "Makes several members, beside it, of one text: `\"Ada Lovelace\"` becomes `\"Ada\"` and `\"Lovelace\"`. Null is left alone.",
			attribute{name: "into", kind: memberList, required: true, doc: "The names of the new members, none that of the text; the last takes the rest of the text, and where it has fewer parts, the later members are left out."},
			attribute{name: "separator", kind: anyText, required: true, doc: "What stands between the parts."}, acceptLoss),
		operation("join", "Makes one text of several members beside it: `\"Ada\"` and `\"Lovelace\"` become `\"Ada Lovelace\"`. Null is left alone.",
			attribute{name: "from", kind: memberList, required: true, doc: "The names of the old members, in the order of the text, none that of the text; one may be left out only with all after it."},
			attribute{name: "separator", kind: anyText, required: true, doc: "What stands between the parts; requests in which any but the last has it are refused."}, acceptLoss),
		{name: "param", label: &label{"the name of a query parameter", queryPattern.MatchString, false, nil}, max: 64,
			doc: "Gives a query parameter of requests another name.",
			attributes: []attribute{
				{name: "to", kind: word{"the name of a query parameter", queryPattern.MatchString}, required: true, doc: "The new name."},
			}},
		{name: "example", max: 64, doc: "An object before and after; it is tried both ways at load.",
			attributes: []attribute{
				{name: "old", kind: value{}, required: true, doc: "The object in the older shape."},
				{name: "new", kind: value{}, required: true, doc: "The same object in the newer shape."},
			}},
	},
}

// operations are the kinds of block in a change that are steps of it.
var operations = map[string]Kind{
	"rename": Rename, "move": Move, "drop": Drop, "add": Add, "enum": Enum, "wrap": Wrap, "unwrap": Unwrap, "list": List, "unlist": Unlist,
	"scale": Scale, "cast": Cast, "split": Split, "join": Join,
}
