package catalogue

import (
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/wicketgate/wicketgate/internal/admit"
)

// What texts and labels may be.
var (
	quotaPattern      = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)
	slugPattern       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	versionPattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	hostPattern       = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	scopePattern      = regexp.MustCompile(`^[!#-\[\]-~]{1,256}$`) // RFC 6749, section 3.3
	headerPattern     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
	queryPattern      = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,64}$`)
	literalPattern    = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()*+,=:@-]+$`)
	parameterPattern  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	placePattern      = regexp.MustCompile(`^([^\x00-\x1f.\[\]*]+|\[\*\])(\[\*\])*(\.[^\x00-\x1f.\[\]*]+(\[\*\])*){0,31}$`)
	pathPattern       = regexp.MustCompile(`^[^\x00-\x1f.\[\]*]+(\.[^\x00-\x1f.\[\]*]+){0,31}$`)
	memberPattern     = regexp.MustCompile(`^[^\x00-\x1f.\[\]*]+$`)
	statusPattern     = regexp.MustCompile(`^(409|429|5[0-9][0-9])$`)
	pointerPattern    = regexp.MustCompile(`^(/([^/~]|~[01])*)*$`)
	mediaTypePattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9!#$&^_.+-]*/[A-Za-z0-9!#$&^_.+{}-]+$`)
	ruleLabelPattern  = regexp.MustCompile(`^[^\x00-\x1f\x7f]{1,128}$`)
	upstreamPathRegex = regexp.MustCompile(`^/[A-Za-z0-9._~!$&'()*+,=:@/?%-]*$`)
)

func headerName(s string) bool { return admit.Free(s) }

func identifier(s string) bool { return len(s) <= 64 && hclsyntax.ValidIdentifier(s) }

func versionLabel(s string) bool { return versionPattern.MatchString(s) && !strings.Contains(s, "..") }

// versionedHost says whether a text is a host with {version} once, as one of its labels or a part of the first.
func versionedHost(s string) bool {
	before, after, ok := strings.Cut(s, "{version}")
	first := !strings.Contains(before, ".")
	whole := (before == "" || strings.HasSuffix(before, ".")) && strings.HasPrefix(after, ".")
	return ok && (first || whole || strings.HasSuffix(before, ".") && after == "") && strings.Contains(s, ".") && hostName(before+"v"+after)
}

func hostName(s string) bool { return len(s) <= 253 && hostPattern.MatchString(s) }

// basePath says whether a path is canonical: literal segments, no trailing slash save "/" itself.
func basePath(s string) bool {
	if s == "/" {
		return true
	}
	segments, ok := strings.CutPrefix(s, "/")
	if !ok {
		return false
	}
	for segment := range strings.SplitSeq(segments, "/") {
		if !literalSegment(segment) {
			return false
		}
	}
	return true
}

func literalSegment(s string) bool { return literalPattern.MatchString(s) && s != "." && s != ".." }

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// routeLabel says whether a label is a method and a pattern.
func routeLabel(s string) bool {
	_, _, err := parseRoute(s)
	return err == nil
}

func whyNoRoute(s string) error {
	_, _, err := parseRoute(s)
	return err
}

// parseRoute takes a route's label apart.
func parseRoute(s string) (method string, segments []Segment, err error) {
	method, path, _ := strings.Cut(s, " ")
	if !slices.Contains(methods, method) {
		return "", nil, fmt.Errorf("unknown method %q", method)
	}
	segments, err = parsePattern(path)
	if err != nil {
		return "", nil, err
	}
	seen := make(map[string]bool)
	for _, segment := range segments {
		if name := segment.Parameter; name != "" && seen[name] {
			return "", nil, fmt.Errorf("unsuitable segment %q", "{"+name+"}")
		} else if name != "" {
			seen[name] = true
		}
	}
	return method, segments, nil
}

// rewritePath says whether a text is a path with parameters, or "/".
func rewritePath(s string) bool {
	_, err := parsePattern(s)
	return err == nil
}

// parsePattern takes a path with parameters apart.
func parsePattern(path string) ([]Segment, error) {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return nil, fmt.Errorf("the path %q does not begin with a slash", path)
	}
	if rest == "" {
		return nil, nil
	}
	var segments []Segment
	for part := range strings.SplitSeq(rest, "/") {
		name, open := strings.CutPrefix(part, "{")
		name, closed := strings.CutSuffix(name, "}")
		switch {
		case open && closed && parameterPattern.MatchString(name):
			segments = append(segments, Segment{Parameter: name})
		case !open && !closed && literalSegment(part):
			segments = append(segments, Segment{Literal: part})
		default:
			return nil, fmt.Errorf("unsuitable segment %q", part)
		}
	}
	return segments, nil
}

// serverURL says whether a text is the address of a server: a scheme, a host, perhaps a port.
func serverURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") {
		return false
	}
	return s == u.Scheme+"://"+u.Host && !strings.ContainsAny(u.Host, "{}*%")
}

// webURL says whether a text is an absolute http or https address without credentials.
func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

func secureURL(s string) bool { return webURL(s) && strings.HasPrefix(s, "https://") }

// versionedType says whether a text is a media type with {version} once in its subtype.
func versionedType(s string) bool {
	_, subtype, _ := strings.Cut(s, "/")
	if strings.Count(s, "{version}") != 1 || !strings.Contains(subtype, "{version}") || !mediaTypePattern.MatchString(s) {
		return false
	}
	filled := strings.Replace(s, "{version}", "v1", 1)
	t, parameters, err := mime.ParseMediaType(filled)
	return err == nil && t == strings.ToLower(filled) && len(parameters) == 0 && !strings.ContainsAny(filled, "{}")
}

// claimName says whether a text may name a claim.
func claimName(s string) bool { return len(s) <= 256 }
