package gateway

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// pinned says that a credential may name the version, so that callers are identified before their way is known.
func pinned(from *catalogue.API) bool { return from.Versioning != nil && from.Versioning.Pin != nil }

// pin compiles what pins callers to a version, and checks that nothing identifies them differently; nil after a mistake.
func (b *builder) pin(from *catalogue.API) *rule.Program {
	pin := b.expression(from.Versioning.Pin, rule.Environment{Roots: rule.Consumer | rule.Claims}, rule.String)
	for _, i := range from.Identify {
		b.method(i)
		if pin != nil && strings.Contains(pin.Text(), "api_version") {
			b.pinnedKeys(from, i.APIKey)
		}
	}
	differs := func(t catalogue.Terms) bool { return len(t.Identify) > 0 || t.Anonymous }
	const detail = "Where a credential may pin the version, who calls must be known before version and route are: identify may stand only on the API."
	for _, v := range from.Versions {
		if differs(v.Terms) {
			b.fault(v.Range, "Misplaced identify", detail)
		}
	}
	for _, r := range from.Routes {
		if differs(r.Terms) {
			b.fault(r.Range, "Misplaced identify", detail)
		}
	}
	return pin
}

// pinnedKeys checks that the versions to which API keys are pinned are there: a caller pinned to nothing would be served
// by chance or not at all. One that is retired is only a warning, and answered 410: a gateway that starts today must not
// fail to start tomorrow for the day's sake.
func (b *builder) pinnedKeys(from *catalogue.API, keys *catalogue.APIKey) {
	if keys == nil {
		return
	}
	var names []string
	for _, v := range from.Versions {
		names = append(names, v.Name)
	}
	for version, id := range b.pins[keys] {
		i := slices.Index(names, version)
		if i < 0 {
			b.fault(keys.Keys.Range, "Unknown pinned version", fmt.Sprintf("The key %s in %s is pinned to version %q, which the API %q does not have.%s",
				id, keys.Keys.Path, version, from.Name, diagnostic.DidYouMean(version, names)))
			continue
		}
		switch v := from.Versions[i]; {
		case v.Preview:
			b.fault(keys.Keys.Range, "Unsuitable pinned version", fmt.Sprintf("The key %s in %s is pinned to version %q of the API %q, a preview, which only requests that name it get.",
				id, keys.Keys.Path, version, from.Name))
		case !v.Sunset.IsZero() && !time.Now().Before(v.Sunset):
			b.add(hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Retired pinned version", Subject: keys.Keys.Range.Ptr(),
				Detail: fmt.Sprintf("The key %s in %s is pinned to version %q of the API %q, which is retired since %s: its requests that name no version are answered 410.",
					id, keys.Keys.Path, version, from.Name, v.Sunset.Format(time.DateOnly))}})
		}
	}
}

// pinOf is the version that a caller is pinned to, "" for none. What fails for want of any caller is none.
func pinOf(pin *rule.Program, x *exchange.Exchange) (string, error) {
	version, err := pin.StringOrNull(x)
	if err != nil && x.Consumer == nil {
		return "", nil
	}
	return version, err
}
