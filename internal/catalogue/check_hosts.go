package catalogue

import (
	"slices"
	"strings"
)

// gap is where a version stands in a host.
const gap = "{version}"

// checkVersionsHosts looks whether each version can stand in a host, where hosts name versions: labels of hosts know no
// case, dots or underscores, and are short.
func (d *decoder) checkVersionsHosts(a *API, n *node) {
	if a.Versioning == nil || a.Versioning.Host == "" {
		return
	}
	pattern := a.Versioning.Host
	for _, v := range n.all("version") {
		host := strings.Replace(pattern, gap, v.label, 1)
		switch {
		case !versionLabel(v.label): // told with its block
		case strings.Contains(v.label, ".") || !hostName(host):
			d.wrong(v.named, "Unsuitable label", "Where the host %q names the version, a label has lower-case letters, digits and - alone, - neither first nor last in a label of the host, which has at most 63 characters.", pattern)
		case slices.Contains(a.Hosts, host):
			d.wrong(n.place("hosts"), "Ambiguous host", "The host %q names the version %q, declared at %s; the API's other hosts name none.", host, v.label, at(v.rng))
		}
	}
}

// hostsOf are the hosts and the pattern of hosts at which an API is served; none: any.
func (a *API) hostsOf() []string {
	if a.Versioning == nil || a.Versioning.Host == "" {
		return a.Hosts
	}
	return append(slices.Clone(a.Hosts), a.Versioning.Host)
}

// shareHost says whether there can be a host at which both APIs are served.
func shareHost(a, b *API) bool {
	hosts, others := a.hostsOf(), b.hostsOf()
	if len(hosts) == 0 || len(others) == 0 {
		return true
	}
	return slices.ContainsFunc(hosts, func(h string) bool {
		return slices.ContainsFunc(others, func(o string) bool { return overlap(h, o) })
	})
}

// overlap says whether one host could be meant by two hosts or patterns of hosts: whatever fills a gap, versions that
// there are not yet included.
func overlap(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	return slices.EqualFunc(as, bs, meet)
}

// meet says whether two labels of hosts can be the same.
func meet(a, b string) bool {
	before, after, open := strings.Cut(a, gap)
	other, rest, both := strings.Cut(b, gap)
	switch {
	case !open && !both:
		return a == b
	case !open:
		return meet(b, a)
	case !both:
		return len(b) > len(before)+len(after) && strings.HasPrefix(b, before) && strings.HasSuffix(b, after)
	}
	return (strings.HasPrefix(before, other) || strings.HasPrefix(other, before)) && (strings.HasSuffix(after, rest) || strings.HasSuffix(rest, after))
}
