package catalogue

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// check looks for what is wrong with blocks taken together, which the table cannot tell of each alone. The nodes are
// those the catalogue was built from: they know where each value is written.
func (d *decoder) check(c *Catalogue, root *node, now time.Time) {
	for _, n := range root.all("limit") {
		d.checkLimit(n)
	}
	for _, n := range root.all("upstream") {
		d.checkUpstream(n)
	}
	for _, n := range root.all("integration") {
		d.checkIntegration(n)
	}
	for i, n := range root.all("api") {
		d.checkVersioning(c.APIs[i], n)
		d.checkVersionsHosts(c.APIs[i], n)
		d.checkCORS(n)
		d.checkCalling(n)
		d.checkDates(n)
		d.checkOldest(c.APIs[i], n)
		d.checkDefault(c.APIs[i], n, now)
		d.checkRoutes(c.APIs[i], n)
		d.checkDescribe(c.APIs[i], n)
		d.checkTerms(c.APIs[i], n)
		d.checkShapes(c.APIs[i], n)
		d.checkPublish(c.APIs[i], n)
		d.checkFormats(n)
		d.checkBodies(n)
		d.checkDocument(c, c.APIs[i], n)
	}
	d.checkPaths(c.APIs, root.all("api"))
	d.checkWebhooks(c, root.all("webhook"))
	d.checkSubscribers(c, root.all("subscriber"))
	d.checkForward(c, root)
}

// maxPerSecond keeps quotas within what can be counted in whole microseconds.
const maxPerSecond = 1_000_000

func (d *decoder) checkQuota(q *node) {
	requests, window := take[int64](q, "requests"), take[time.Duration](q, "window")
	if seconds := int64(window / time.Second); seconds > 0 && requests > seconds*maxPerSecond {
		d.wrong(q.place("requests"), "Quota too large", "A quota may have at most %d requests for each second of its window.", maxPerSecond)
	}
}

// checkLimit looks whether a limit and its plans limit anything, and whether plans change what there is.
func (d *decoder) checkLimit(n *node) {
	own := n.all("quota")
	if len(own) == 0 && !n.written("concurrent") {
		d.absent(&n.rng, "Incomplete block", `A limit block needs a block "quota" or the attribute "concurrent".`)
	}
	for _, q := range own {
		d.checkQuota(q)
	}
	for _, p := range n.all("plan") {
		quotas := p.all("quota")
		if len(quotas) == 0 && !p.written("concurrent") {
			d.absent(&p.rng, "Incomplete block", `A plan block needs a block "quota" or the attribute "concurrent".`)
		}
		for _, q := range quotas {
			d.checkQuota(q)
			if !slices.ContainsFunc(own, func(o *node) bool { return o.label == q.label }) {
				d.wrong(q.named, "Unknown quota", "The limit %q has no quota %q: a plan's quotas take the place of the limit's of the same names.", n.label, q.label)
			}
		}
	}
}

func (d *decoder) checkUpstream(n *node) {
	scheme := ""
	for _, it := range take[[]item](n, "servers") {
		u, err := url.Parse(it.value.(string))
		if err != nil {
			continue // the table's check has told
		}
		if scheme != "" && u.Scheme != scheme {
			d.wrong(it.rng, "Mixed schemes", "The servers of an upstream are all http or all https.")
		}
		scheme = u.Scheme
	}
	if scheme == "http" && n.written("ca_file") {
		d.wrong(n.values["ca_file"].name, "Contradictory upstream", "These servers are spoken to over http, where there are no certificates to check.")
	}
}

// checkFormats holds every API to JSON, which services speak and callers get who ask for nothing else.
func (d *decoder) checkFormats(n *node) {
	if all := texts(n, "formats"); len(all) > 0 && !slices.Contains(all, "json") {
		d.wrong(n.place("formats"), "JSON left out", `JSON is always one of the formats: ["json", "xml"].`)
	}
}

// checkVersioning looks whether versions can be named, and whether there are any.
func (d *decoder) checkVersioning(a *API, n *node) {
	v, versions := n.one("versioning"), n.all("version")
	switch {
	case v == nil && len(versions) == 0:
		return
	case v == nil:
		d.absent(&versions[0].rng, "Missing block", fmt.Sprintf("The API %q has versions, but no versioning block says how a request names one.", a.Name))
		return
	case len(versions) == 0:
		d.absent(&v.rng, "No versions", fmt.Sprintf("The API %q has no version blocks; versioning has nothing to choose from.", a.Name))
	}
	if !take[bool](v, "path") && !slices.ContainsFunc([]string{"host", "header", "media_type", "query", "pin"}, v.written) {
		d.absent(&v.rng, "Incomplete block", `A versioning block needs a way of naming a version: path = true, host, header, media_type, query or pin.`)
	}
	for i, w := range versions {
		for _, earlier := range versions[:i] {
			if w.label != earlier.label && strings.EqualFold(w.label, earlier.label) {
				d.wrong(w.named, "Ambiguous label", "The version %q differs from %q, declared at %s, only in case.", w.label, earlier.label, at(earlier.rng))
			}
		}
	}
	if v.written("pin") && !n.names("identify") && n.understood("identify") {
		d.wrong(v.place("pin"), "Nobody to pin", "A pin is what a caller's credentials say, but the API %q has no identity in its identify.", a.Name)
	}
	if query := take[string](v, "query"); query != "" {
		for _, w := range versions {
			for _, c := range w.all("change") {
				for _, p := range c.all("param") {
					const detail = "The query parameter %q names the version, so that no change can rename it or give its name to another."
					if p.label == query {
						d.wrong(p.named, "Ambiguous parameter", detail, query)
					} else if take[string](p, "to") == query {
						d.wrong(p.place("to"), "Ambiguous parameter", detail, query)
					}
				}
			}
		}
	}
	for _, i := range a.Identities() {
		if i.APIKey != nil && i.APIKey.Header == a.Versioning.Header {
			d.wrong(v.place("header"), "Ambiguous header", "The header field %q carries the API keys of the identity %q.", i.APIKey.Header, i.Name)
			break
		}
		if i.APIKey != nil && i.APIKey.Query != "" && i.APIKey.Query == a.Versioning.Query {
			d.wrong(v.place("query"), "Ambiguous parameter", "The query parameter %q carries the API keys of the identity %q.", i.APIKey.Query, i.Name)
			break
		}
	}
}

// names says whether an attribute that takes references and words has a reference.
func (n *node) names(attribute string) bool {
	return slices.ContainsFunc(take[[]item](n, attribute), func(it item) bool { return it.value.(target).word == "" })
}

// Identities are all that an API names, at any level.
func (a *API) Identities() []*Identity {
	all := slices.Clone(a.Identify)
	for _, v := range a.Versions {
		all = append(all, v.Identify...)
	}
	for _, r := range a.Routes {
		all = append(all, r.Identify...)
	}
	return all
}

// checkDates looks for dates that contradict one another.
func (d *decoder) checkDates(n *node) {
	released := make(map[time.Time]*node)
	for _, v := range n.all("version") {
		from := take[time.Time](v, "released")
		if !v.written("released") {
			var ok bool
			if from, ok = parseDate(v.label); !ok {
				d.absent(&v.rng, "Missing attribute", fmt.Sprintf("A version block needs the attribute \"released\" where its label is no date: %v.", date{}))
				continue
			}
		}
		if from.IsZero() {
			continue // told when it was decoded
		}
		if earlier, ok := released[from]; ok {
			d.wrong(v.place("released"), "Contradictory dates", "The version %q, at %s, is released at the same time; which is the newer?", earlier.label, at(earlier.rng))
		}
		released[from] = v
		deprecated, sunset := take[time.Time](v, "deprecated"), take[time.Time](v, "sunset")
		d.ordered(v, "deprecated", deprecated, "released", from)
		d.ordered(v, "sunset", sunset, "deprecated", deprecated)
		if deprecated.IsZero() {
			d.ordered(v, "sunset", sunset, "released", from)
		}
		for _, b := range v.all("brownout") {
			start := take[time.Time](b, "from")
			switch end := start.Add(take[time.Duration](b, "for")); {
			case start.IsZero():
			case start.Before(from):
				d.wrong(b.place("from"), "Contradictory dates", "The brown-out begins before the version is released.")
			case !sunset.IsZero() && end.After(sunset):
				d.wrong(b.place("from"), "Contradictory dates", "The brown-out ends after the version's sunset, %s.", Day(sunset))
			}
		}
	}
}

// checkOldest warns of changes of the oldest version, which nothing is older than. That is no mistake: they are left over
// when the version before it is taken off.
func (d *decoder) checkOldest(a *API, n *node) {
	if len(a.Versions) == 0 {
		return
	}
	for _, v := range n.all("version") {
		if v.rng == a.Versions[0].Range && len(v.all("change")) > 0 {
			d.warn(v.all("change")[0].rng, "Change of the oldest version", "The version %q is the oldest of the API %q, so no caller knows what was before it: its changes do nothing.", v.label, a.Name)
		}
	}
}

// ordered looks that one date is not before another, both of them written.
func (d *decoder) ordered(v *node, name string, t time.Time, after string, earlier time.Time) {
	if !t.IsZero() && !earlier.IsZero() && t.Before(earlier) {
		d.wrong(v.place(name), "Contradictory dates", "%s, %s, is before %s, %s.", upper(name), Day(t), after, Day(earlier))
	}
}

// Day writes an instant, as a day where it is the first of one, in UTC.
func Day(t time.Time) string {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}

// checkDefault looks whether requests that name no version have one that is in force.
func (d *decoder) checkDefault(a *API, n *node, now time.Time) {
	if a.Versioning == nil || a.Versioning.Default == nil {
		return
	}
	v, place := a.Versioning.Default, n.one("versioning").place("default")
	switch {
	case v.Preview:
		d.wrong(place, "Unsuitable default", "The version %q is a preview, which only requests that name it get.", v.Name)
	case now.Before(v.Released):
		d.warn(place, "Unreleased default", "The version %q is released on %s: until then every request that names no version is answered 400.", v.Name, Day(v.Released))
	case !v.Sunset.IsZero() && !now.Before(v.Sunset):
		// Only a warning: a gateway that starts today must not fail to start tomorrow for the day's sake.
		d.warn(place, "Retired default", "The version %q is retired since %s: every request that names no version is answered 410.", v.Name, Day(v.Sunset))
	}
}

// checkTerms looks whether each route, in each version that has it, has an upstream and says who may call.
func (d *decoder) checkTerms(a *API, n *node) {
	versions := a.Versions
	if len(versions) == 0 {
		versions = []*Version{nil}
	}
	for _, need := range []struct {
		name, detail string
		there        func(*Terms) bool
	}{
		{"upstream", "upstream = upstream.name", func(t *Terms) bool { return t.Upstream != nil }},
		{"identify", "identify = [identity.name], or [anonymous] for callers without credentials", (*Terms).identified},
		{"authorize", "authorize = policy.name.rule, or public for everyone", (*Terms).authorized},
	} {
		if n.written(need.name) {
			continue
		}
		var missing []hcl.Range
		for _, r := range a.Routes {
			for _, v := range versions {
				if need.name == "upstream" && (r.Publish != nil || d.asksIntegration(n, r)) {
					continue
				}
				if t := a.For(v, r); (v == nil || r.In(v)) && !need.there(&t) && !d.mistaken(n, need.name, v, r) {
					missing = append(missing, r.Range)
					break
				}
			}
		}
		switch {
		case len(missing) == 0:
		case len(missing) == len(a.Routes):
			d.absent(&n.rng, "Missing attribute", fmt.Sprintf("It must be written, on the API, its versions or its routes: %s.", need.detail))
		default:
			for _, r := range missing {
				d.absent(&r, "Missing attribute", fmt.Sprintf("It must be written, on this route or around it: %s.", need.detail))
			}
		}
	}
}

// checkShapes looks for services that would have to speak several versions: that of a route gets the requests of every
// version, brought to the newest, and where a version has one of its own its shape is where they stay.
func (d *decoder) checkShapes(a *API, n *node) {
	for _, r := range a.Routes {
		if r.Upstream == nil && r.Calling == nil {
			continue
		}
		for _, v := range a.Versions {
			if end := a.End(v); r.In(v) && end != a.Newest() {
				for _, level := range n.all("route") {
					if level.rng == r.Range {
						name := "upstream"
						if r.Calling != nil {
							name = "integration"
						}
						d.wrong(level.place(name), "Contradictory upstreams",
							"The %s of a route speaks the newest version, but the upstream of version %q, at %s, ends the changes there. Which of the two shapes would %q get? Leave one of them out, or the route to versions without such an upstream, with since.",
							name, end.Name, at(end.Range), answerer(r))
					}
				}
				break
			}
		}
	}
}

// mistaken says whether an attribute is written on a version or route but could not be understood: that is told
// already.
func (d *decoder) mistaken(n *node, name string, v *Version, r *Route) bool {
	for _, level := range n.blocks {
		if (level.rng == r.Range || v != nil && level.rng == v.Range) && level.written(name) {
			return true
		}
	}
	return false
}
