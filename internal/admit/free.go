package admit

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// reserved are the header fields that mean something to HTTP, to browsers or to the gateway itself: none of them can
// carry a key, a version or what a service is told.
var reserved = []string{
	"Accept", "Accept-Encoding", "Age", "Allow", "Alt-Svc", "Authorization", "Cache-Control", "Connection", "Cookie",
	"Date", "Deprecation", "Dpop", "Etag", "Expect", "Forwarded", "From", "Host", "Idempotency-Key", "Keep-Alive",
	"Last-Modified", "Link", "Location", "Max-Forwards", "Origin", "Pragma", "Prefer", "Proxy-Authorization",
	"Proxy-Connection", "Ratelimit", "Ratelimit-Policy", "Range", "Referer", "Remote-User", "Retry-After", "Server",
	"Set-Cookie", "Sunset", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Vary", "Via",
	"Www-Authenticate", "X-Http-Method", "X-Http-Method-Override", "X-Method-Override", "X-Original-Url", "X-Real-Ip",
	"X-Rewrite-Url",
}

var reservedPrefixes = []string{"Access-Control-", "Content-", "If-", "Proxy-", "Sec-", "X-Forwarded-"}

var freePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)

// Free says whether an operator may give a header field of this name a meaning of its own: letters, digits and hyphens, at
// most 64, and none that HTTP, browsers or the gateway itself use.
func Free(name string) bool {
	canonical := http.CanonicalHeaderKey(name)
	return freePattern.MatchString(name) && !slices.Contains(reserved, canonical) &&
		!slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(canonical, p) })
}
