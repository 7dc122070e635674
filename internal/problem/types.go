package problem

import "net/http"

// base is where the problem types are documented: docs/problems.md, a heading each.
const base = "https://github.com/wicketgate/wicketgate/blob/main/docs/problems.md#"

// The closed table of problem types. Nothing else leaves the gateway, save what an operator's policy or error
// mapping spells out. docs/problems.md is made from it.
var (
	BadRequest = add("bad-request", "The request is not well formed", http.StatusBadRequest,
		"Read the detail: it names the part of the request that cannot be understood.")
	AmbiguousPath = add("ambiguous-path", "The path can be read in more than one way", http.StatusBadRequest,
		"Send the path in its plain form: no dot segments, no empty segments, no encoded slashes, backslashes or control bytes, nothing encoded twice.")
	AmbiguousQuery = add("ambiguous-query", "The query can be read in more than one way", http.StatusBadRequest,
		"Separate parameters with & and encode them once; do not repeat a parameter that takes one value.")
	AmbiguousHeader = add("ambiguous-header", "A header field can be read in more than one way", http.StatusBadRequest,
		"Send the field once, spelt with hyphens.")
	InvalidBody = add("invalid-body", "The body is not well formed", http.StatusBadRequest,
		"Send strict JSON (RFC 7493): UTF-8, no duplicate names, nothing after the value; the detail says where it breaks.")
	IdempotencyKeyRequired = add("idempotency-key-required", "The request carries no idempotency key", http.StatusBadRequest,
		"Send an Idempotency-Key that is new for each thing to be done, and the same when the request is sent again.")
	InvalidIdempotencyKey = add("invalid-idempotency-key", "The idempotency key is not well formed", http.StatusBadRequest,
		"Send a text of 1 to 255 printable ASCII characters in double quotes, such as a UUID.")
	VersionRequired = add("version-required", "The request names no version", http.StatusBadRequest,
		"Name a version in one of the ways the API offers; the answer lists the versions.")
	VersionConflict = add("version-conflict", "The request names two different versions", http.StatusBadRequest,
		"Name one version, or the same version everywhere.")
	InvalidVersion = add("invalid-version", "The version named is not one this API has", http.StatusBadRequest,
		"Use one of the versions in the answer.")
	Unauthorized = add("unauthorized", "The request carries no valid credentials", http.StatusUnauthorized,
		"Send credentials in one of the ways named by WWW-Authenticate.")
	Forbidden = add("forbidden", "The caller may not do this", http.StatusForbidden,
		"Ask the API's owner for the right to do this.")
	InvalidSignature = add("invalid-signature", "The call is not known to be the sender's", http.StatusForbidden,
		"Sign the bytes that are sent, with the secret that was agreed on, by a clock that is right.")
	NotFound = add("not-found", "There is nothing at this address", http.StatusNotFound,
		"Check the path against the API's documentation.")
	UnknownVersion = add("unknown-version", "This API has no such version", http.StatusNotFound,
		"Use one of the versions in the answer.")
	NotInVersion = add("not-in-version", "This resource is not part of the requested version", http.StatusNotFound,
		"Use a version that has it; the detail says since or until when.")
	MethodNotAllowed = add("method-not-allowed", "The resource does not support this method", http.StatusMethodNotAllowed,
		"Use one of the methods in Allow.")
	NotAcceptable = add("not-acceptable", "No acceptable form of the resource is available", http.StatusNotAcceptable,
		"Widen the Accept field.")
	RequestTimeout = add("request-timeout", "The request did not arrive in time", http.StatusRequestTimeout,
		"Send the whole request without pauses.")
	Conflict = add("conflict", "The request conflicts with what the resource is now", http.StatusConflict,
		"Read the resource again and send the change anew, based on what it is now.")
	IdempotencyInFlight = add("idempotency-in-flight", "The first request with this idempotency key is still under way", http.StatusConflict,
		"Send the request again when Retry-After says, with the same key.")
	IdempotencyUnknown = add("idempotency-outcome-unknown", "What came of the first request with this idempotency key is not known", http.StatusConflict,
		"Look whether the request was carried out. If it was not, send it with a new key.")
	IdempotencyNotKept = add("idempotency-answer-not-kept", "The request with this idempotency key was carried out, and its answer was too large to be kept", http.StatusConflict,
		"Read what the request made. Sent with a new key, it is carried out again.")
	VersionRetired = add("version-retired", "This version has been retired", http.StatusGone,
		"Move to the version that the Link field names as successor-version.")
	VersionBrownout = add("version-brownout", "This version is switched off for a rehearsal of its retirement", http.StatusGone,
		"Move to the version that the Link field names as successor-version; until the sunset this version returns after the brown-out.")
	PreconditionFailed = add("precondition-failed", "The resource is not what the request expects it to be", http.StatusPreconditionFailed,
		"Read the resource again and send the change anew, with the entity tag it has now.")
	ContentTooLarge = add("content-too-large", "The request is too large", http.StatusRequestEntityTooLarge,
		"Send less in one request; the detail states the bound.")
	URITooLong = add("uri-too-long", "The address is too long", http.StatusRequestURITooLong,
		"Shorten the address; the detail states the bound.")
	UnsupportedMediaType = add("unsupported-media-type", "The body's media type is not supported here", http.StatusUnsupportedMediaType,
		"Send one of the media types in Accept-Post, in UTF-8 and without content coding.")
	Misdirected = add("misdirected-request", "This host is not served here", http.StatusMisdirectedRequest,
		"Send the request to the API's own host.")
	InvalidContent = add("invalid-content", "The request breaks the API's rules", http.StatusUnprocessableEntity,
		"Mend each of the errors listed; each names its place: a JSON pointer into the body, or a parameter of the path, the query or the header.")
	IdempotencyKeyReused = add("idempotency-key-reused", "The idempotency key was used for another request", http.StatusUnprocessableEntity,
		"Send the very request that was sent first with this key, or use a new key.")
	QuotaExceeded = addURI("https://iana.org/assignments/http-problem-types#quota-exceeded", "Request cannot be satisfied as assigned quota has been exceeded",
		http.StatusTooManyRequests, "Wait as long as Retry-After says.")
	TooManyRequests = add("too-many-requests", "Too many requests", http.StatusTooManyRequests,
		"Send fewer requests.")
	TooManyIdempotencyKeys = add("too-many-idempotency-keys", "As many idempotency keys are kept as may be of one caller", http.StatusTooManyRequests,
		"Wait as long as Retry-After says, or send requests without a key where none is required. Keys that were used go on working.")
	HeaderTooLarge = add("header-too-large", "The header fields are too large", http.StatusRequestHeaderFieldsTooLarge,
		"Send fewer or shorter header fields; the detail states the bound.")
	Internal = add("internal-error", "The gateway failed", http.StatusInternalServerError,
		"Tell the API's owner the instance named in the answer.")
	BadGateway = add("bad-gateway", "The service behind the gateway gave no valid answer", http.StatusBadGateway,
		"Try again later; tell the API's owner if it stays.")
	Unavailable = add("unavailable", "The service behind the gateway cannot be reached", http.StatusServiceUnavailable,
		"Try again later.")
	ReducedCapacity = addURI("https://iana.org/assignments/http-problem-types#temporary-reduced-capacity", "Request cannot be satisfied due to temporary server capacity constraints",
		http.StatusServiceUnavailable, "Wait as long as Retry-After says.")
	NotReady = add("not-ready", "The gateway cannot decide yet who may do this", http.StatusServiceUnavailable,
		"Try again when Retry-After says; the gateway waits for its policies.")
	NotServing = add("not-serving", "This node takes no requests", http.StatusServiceUnavailable,
		"Send requests to other nodes until this one is ready.")
	GatewayTimeout = add("gateway-timeout", "The service behind the gateway did not answer in time", http.StatusGatewayTimeout,
		"Try again later; the request may have been carried out.")
)

var table []*Type

func add(slug, title string, status int, help string) *Type {
	return addURI(base+slug, title, status, help)
}

func addURI(uri, title string, status int, help string) *Type {
	t := &Type{URI: uri, Title: title, Status: status, Help: help}
	table = append(table, t)
	return t
}

// Find gives the type that a URI names, nil where it is none of the table.
func Find(uri string) *Type {
	for _, t := range table {
		if t.URI == uri {
			return t
		}
	}
	return nil
}

// Types is the table, in order of status.
func Types() []*Type { return append([]*Type(nil), table...) }
