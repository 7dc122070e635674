package catalogue

import (
	"net/url"
	"regexp"
	"strings"
)

// Bounds of a file of cases.
const (
	maxCases    = 1000  // cases of one file
	maxSteps    = 100   // steps of one case
	maxTimes    = 10000 // how often a step sends its request
	maxMessages = 100   // answers of the upstream, and requests that reach it, of one step
)

// Kinds and labels that only cases have.
var (
	caseLabel   = &label{"a text of at most 128 printable characters", ruleLabelPattern.MatchString, true, nil}
	targetLabel = &label{`a method and the target of a request: "GET /orders?page=2"`, requestTarget, false, nil}
	sentFields  = headerFields{}
	gotFields   = headerFields{absent: true}
	status      = integer{200, 599}
)

// caseLanguage is the table of *.case.hcl files: requests, and what the gateway is expected to make of them.
var caseLanguage = block{
	what: "a file of cases",
	doc:  "Files named `*.case.hcl` hold request cases. Each goes through the whole gateway; only the network behind it is a recording.",
	blocks: []*block{
		{name: "locals", free: true, doc: "Values with names, `local.x`, that the cases of this file share."},
		caseBlock,
	},
}

var caseBlock = &block{
	name: "case", label: caseLabel, max: maxCases, oneOf: [][]string{{"request", "step"}},
	doc: "A request and what becomes of it; or several, one after the other, as steps. Every case begins with counters at zero.",
	attributes: []attribute{
		{name: "at", kind: date{}, absent: "now", doc: "When the requests arrive: versions' dates, credentials, time windows and quotas go by it."},
	},
	blocks: []*block{
		asBlock, requestBlock, answerBlock, expectBlock,
		{
			name: "step", label: caseLabel, max: maxSteps,
			doc: "One request of several, with the blocks of a case. What it does not say of `at` and `as` is the case's.",
			attributes: []attribute{
				{name: "at", kind: date{}, absent: "the case's", doc: "When the request arrives."},
			},
			blocks: []*block{asBlock, &required, answerBlock, expectBlock},
		},
	},
}

// required is the request of a step, which has one.
var required = func() block {
	b := *requestBlock
	b.min = 1
	return b
}()

var asBlock = &block{
	name: "as", max: 1,
	doc: "Who calls, without a credential: what identification would have found. The rest of that stage is real. Without it, identification goes by the request's own header fields.",
	attributes: []attribute{
		{name: "consumer", kind: word{"printable ASCII without a space at either end, at most 256 bytes", consumerName}, required: true, doc: "The consumer's id."},
		{name: "identity", kind: word{"the name of an identity block", identifier}, absent: "the first way to identify that the route names",
			doc: "The way in which the caller is known; where the route does not take it, the caller is not known at all."},
		{name: "name", kind: anyText, absent: "the id", doc: "The consumer's name."},
		{name: "claims", kind: structure{}, doc: "What the token says."},
		{name: "scopes", kind: each{of: anyText, max: 100}, absent: "those of the claims", doc: "What the credential was given out for."},
		{name: "groups", kind: each{of: anyText, max: 100}, absent: "those of the claims", doc: "The consumer's groups."},
		{name: "version", kind: word{"the name of a version", versionLabel}, doc: "The version that the API key is pinned to."},
		{name: "plan", kind: word{"printable ASCII without a space at either end, at most 256 bytes", consumerName}, doc: "The name of the consumer's plan of quotas."},
	},
}

var requestBlock = &block{
	name: "request", label: targetLabel, max: 1,
	doc: "What is sent. At most one of `body`, `body_file` and `text` is the body; the first two are sent as JSON where no Content-Type is given.",
	attributes: []attribute{
		{name: "host", kind: word{"a host, perhaps with a port", anyHost}, absent: "the first host of the API with the longest base path that the target begins with, else `localhost`", doc: "The host that the request names."},
		{name: "address", kind: word{"an IP address", ipAddress}, def: "192.0.2.1", doc: "The caller's address."},
		{name: "headers", kind: sentFields, doc: "The header fields."},
		{name: "body", kind: value{}, doc: "The body, in JSON."},
		{name: "body_file", kind: file{"a body"}, doc: "The body's file, at most 1 MiB."},
		{name: "text", kind: anything{}, doc: "The body as it is."},
		{name: "times", kind: integer{1, maxTimes}, def: int64(1), doc: "How often the request is sent, one after the other; what is expected is expected of the last."},
		{name: "signed", kind: truth{}, def: false, doc: "The call is to a webhook, whose verification finds it signed by its sender, whatever its header fields say. Without it, they have to."},
	},
}

var answerBlock = &block{
	name: "upstream", max: maxMessages,
	doc: "What the recording upstream answers. What a webhook or a `publish` block keeps is delivered to it, each event once, after the request was answered. The first request that reaches it gets the first answer, and so on; the last answer goes to all that follow. Without any, it answers 204.",
	attributes: []attribute{
		{name: "status", kind: status, def: int64(200), doc: "The status."},
		{name: "headers", kind: sentFields, doc: "The header fields."},
		{name: "body", kind: value{}, doc: "The body, in JSON."},
		{name: "body_file", kind: file{"a body"}, doc: "The body's file, at most 1 MiB."},
		{name: "text", kind: anything{}, doc: "The body as it is."},
		{name: "down", kind: truth{}, def: false, doc: "The upstream cannot be reached."},
	},
}

var expectBlock = &block{
	name: "expect", max: 1,
	doc: "What is expected; what is not written is not looked at.",
	attributes: []attribute{
		{name: "status", kind: status, doc: "The answer's status."},
		{name: "problem", kind: word{"the last part of a problem type's address, as docs/problems.md has them, or all of it", problemName},
			absent: "none, unless a status of 400 or more, a denial, a detail or a stage is expected", doc: "The type of the gateway's problem."},
		{name: "detail", kind: anyText, doc: "The problem's detail."},
		{name: "stage", kind: choice{of: []string{"admit", "route", "identify", "limit", "validate", "change", "authorize", "merge", "receive", "publish", "upstream"}}, doc: "The stage that ended the request's way."},
		{name: "api", kind: word{"the name of an API", identifier}, doc: "The API that the request is for."},
		{name: "version", kind: word{"the name of a version", versionLabel}, doc: "The version that the caller speaks."},
		{name: "route", kind: word{"the label of a route", routeLabel}, doc: "The route that is taken."},
		{name: "consumer", kind: anyText, doc: "The id of whom identification found."},
		{name: "allow", kind: truth{}, doc: "The policy's verdict."},
		{name: "reasons", kind: values{}, doc: "The policy's reasons, in any order."},
		{name: "headers", kind: gotFields, doc: "Header fields of the answer; null says that there is none."},
		{name: "body", kind: value{}, doc: "The answer's body, equal as JSON: the order of members does not count, numbers are compared by value."},
		{name: "body_file", kind: file{"a body"}, doc: "The file of the answer's body, compared as JSON where it is JSON."},
		{name: "text", kind: anything{}, doc: "The answer's body, byte by byte."},
		{name: "includes", kind: structure{}, doc: "Members that the answer's body has, whatever else it has: of objects in it too."},
		{name: "forwarded", kind: truth{}, doc: "Whether any request reaches the upstream."},
	},
	blocks: []*block{{
		name: "upstream", label: targetLabel, max: maxMessages,
		doc: "A request that reaches the upstream. Where there is one, all are written, in their order.",
		attributes: []attribute{
			{name: "headers", kind: gotFields, doc: "Header fields of the request; null says that there is none."},
			{name: "body", kind: value{}, doc: "The request's body, equal as JSON."},
			{name: "body_file", kind: file{"a body"}, doc: "The file of the request's body, compared as JSON where it is JSON."},
			{name: "text", kind: anything{}, doc: "The request's body, byte by byte."},
			{name: "includes", kind: structure{}, doc: "Members that the request's body has, whatever else it has."},
		},
	}},
}

var methodPattern = regexp.MustCompile(`^[A-Z]{1,32}$`)

// requestTarget says whether a text is a method and a target. What the gateway thinks of the target is for a case to
// find out.
func requestTarget(s string) bool {
	method, target, _ := strings.Cut(s, " ")
	if !methodPattern.MatchString(method) || !strings.HasPrefix(target, "/") || len(s) > maxText || strings.ContainsAny(target, " #") {
		return false
	}
	_, err := url.ParseRequestURI(target)
	return err == nil
}
