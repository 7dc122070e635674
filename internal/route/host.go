package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// gap is a host with a gap for the version, within one of its labels.
type gap struct{ prefix, suffix string }

// label gives what fills the gap in a host.
func (g gap) label(host string) (string, bool) {
	n := len(host) - len(g.suffix)
	if n <= len(g.prefix) || !strings.HasPrefix(host, g.prefix) || !strings.HasSuffix(host, g.suffix) {
		return "", false
	}
	name := host[len(g.prefix):n]
	return name, strings.IndexByte(name, '.') < 0
}

// compileHost fills the pattern of hosts with each version.
func (a *api) compileHost() error {
	prefix, suffix, ok := strings.Cut(a.Versioning.Host, "{version}")
	if !ok || strings.ContainsAny(prefix+suffix, "{}") {
		return fmt.Errorf("the host %q has no {version}, or more than one", a.Versioning.Host)
	}
	a.gap, a.byHost = gap{prefix, suffix}, make(map[string]int, len(a.versions))
	var errs []error
	for i := range a.versions {
		v := &a.versions[i]
		v.host = prefix + v.Name + suffix
		if host, p := admit.Host(v.host); p != nil || host != v.host || strings.ContainsAny(v.Name, "._") {
			errs = append(errs, fmt.Errorf("the version %q cannot stand in a host: %q", v.Name, v.host))
			continue
		}
		if slices.Contains(a.Hosts, v.host) {
			errs = append(errs, fmt.Errorf("the host %q is also that of the version %q", v.host, v.Name))
		}
		a.byHost[v.host] = i
	}
	return errors.Join(errs...)
}

// chooseHost looks at the host. It names a version, or is one of those that name none.
func (a *api) chooseHost(x *exchange.Exchange, m *Match, s *selection) *problem.Problem {
	if a.byHost == nil {
		return nil
	}
	if i, ok := a.byHost[x.Host]; ok {
		m.hosted = true
		return a.agree(s, byHost, i)
	}
	if name, ok := a.gap.label(x.Host); ok && !slices.Contains(a.Hosts, x.Host) {
		return a.unknown(x, name)
	}
	return nil
}
