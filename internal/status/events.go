package status

import (
	"strings"
	"time"
)

// Event is something that happened, as Caddy's events have it: a name and what is told beside it, which is texts, numbers
// and yes or no, and no secret.
type Event struct {
	Name string
	Data map[string]any
}

// The names of events.
const (
	ReloadFailed    = "api_gateway.reload_failed"
	Reloaded        = "api_gateway.reloaded"
	BreakerChanged  = "api_gateway.breaker"
	BundleFailed    = "api_gateway.bundle_failed"
	BundleActivated = "api_gateway.bundle_activated"
	SunsetCrossed   = "api_gateway.sunset"
)

// FailedLoad is that files were loaded again and have a mistake. hide takes from a text what may not show.
func FailedLoad(l *Load, hide func(string) string) Event {
	data := map[string]any{"generation": l.Generation, "mistakes": 0, "file": "", "line": 0, "column": 0, "summary": "", "detail": "", "since": ""}
	if e := l.Error; e != nil {
		data["mistakes"], data["since"] = len(e.Mistakes)+e.More, e.Since.UTC().Format(time.RFC3339)
		if len(e.Mistakes) > 0 {
			first := e.Mistakes[0]
			data["file"], data["line"], data["column"] = first.File, first.Line, first.Column
			data["summary"], data["detail"] = Shown(first.Summary, hide), Shown(first.Detail, hide)
		}
	}
	return Event{ReloadFailed, data}
}

// LoadTaken is that files were loaded again and are in force. mended says that the load before had a mistake.
func LoadTaken(l *Load, mended bool) Event {
	return Event{Reloaded, map[string]any{"generation": l.Generation, "files": l.Files, "mended": mended}}
}

// Breaker is that a circuit breaker changed; of is upstream or integration, and name which.
func Breaker(of, name, host, from, to string) Event {
	return Event{BreakerChanged, map[string]any{of: name, "host": host, "from": from, "to": to}}
}

// FailedBundle is that there is no newer bundle of policies to be had or taken: kind says which, inForce what stays.
func FailedBundle(address, kind, inForce string, err error, hide func(string) string) Event {
	return Event{BundleFailed, map[string]any{"url": address, "kind": kind, "in_force": inForce, "detail": Shown(err.Error(), hide)}}
}

// NewBundle is that a bundle of policies is in force.
func NewBundle(address, revision, etag string) Event {
	return Event{BundleActivated, map[string]any{"url": address, "revision": revision, "etag": strings.Trim(etag, `"`)}}
}

// Sunset is that a version of an API ends now.
func Sunset(api, version string, at time.Time) Event {
	return Event{SunsetCrossed, map[string]any{"api": api, "version": version, "sunset": at.UTC().Format(time.RFC3339)}}
}
