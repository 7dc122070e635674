package console

import (
	"errors"
	"net/netip"
	"strings"
)

// Step is one of the routes of a server that a request passes, in their order.
type Step struct {
	Group    string    // only the first of a group that matches is passed
	Sets     []Set     // of matchers, of which one must match; none: all requests pass
	Handlers []Handler // in their order
}

// Set are matchers that must all match.
type Set struct {
	Paths []string // patterns, of which one must match; nil where none are written
	Other bool     // there are matchers of other kinds
}

// Handler is a part of a route.
type Handler struct {
	Console       string // where the console is mounted; "" for another handler
	Authenticates bool   // no request passes that does not say who it is from
	Steps         []Step // that it has within
	Hides         bool   // it has a console within, and nobody knows what stands before that
}

// ErrOpen is why a console is not shown.
var ErrOpen = errors.New("nobody who asks for the console would have to say who they are: write basic_auth, api_auth, forward_auth or another " +
	"authentication in its site, without a matcher or with one that covers the console's whole path, or let the site listen on loopback alone, with bind 127.0.0.1")

// Guarded says whether every console among the steps has authentication before it that none of its requests passes by,
// and how many consoles there are.
func Guarded(steps []Step) (consoles int, err error) {
	if hidden(steps) {
		return 0, ErrOpen
	}
	for _, at := range mounts(steps) {
		if !guarded(steps, at) {
			err = ErrOpen
		}
		consoles++
	}
	return consoles, err
}

func hidden(steps []Step) bool {
	for _, s := range steps {
		for _, h := range s.Handlers {
			if h.Hides || hidden(h.Steps) {
				return true
			}
		}
	}
	return false
}

// mounts are where consoles are mounted.
func mounts(steps []Step) (all []string) {
	for _, s := range steps {
		for _, h := range s.Handlers {
			if h.Console != "" {
				all = append(all, h.Console)
			}
			all = append(all, mounts(h.Steps)...)
		}
	}
	return all
}

func guarded(steps []Step, at string) bool {
	open := false
	walk(steps, at, false, &open)
	return !open
}

// walk follows the requests for a console through steps, of which some are authenticated already, and says whether all are
// that come to their end. open is set where one comes to the console that is not.
func walk(steps []Step, at string, authenticated bool, open *bool) bool {
	for i := range steps {
		s := &steps[i]
		within := authenticated
		for j := range s.Handlers {
			h := &s.Handlers[j]
			switch {
			case h.Console == at && !within:
				*open = true
			case h.Authenticates:
				within = true
			case h.Steps != nil:
				within = walk(h.Steps, at, within, open)
			}
		}
		if s.Group == "" && s.covers(at) {
			authenticated = within
		}
	}
	return authenticated
}

// covers says whether all requests for a console pass a step.
func (s *Step) covers(at string) bool {
	if len(s.Sets) == 0 {
		return true
	}
	for _, set := range s.Sets {
		if set.covers(at) {
			return true
		}
	}
	return false
}

func (s *Set) covers(at string) bool {
	if s.Other {
		return false
	}
	if s.Paths == nil {
		return true
	}
	for _, pattern := range s.Paths {
		prefix, all := strings.CutSuffix(strings.ToLower(pattern), "*")
		if all && !strings.ContainsAny(prefix, "*?[\\{%") && strings.HasPrefix(strings.ToLower(strings.TrimSuffix(at, "/")+"/"), prefix) {
			return true // what is at the mount itself is no more than an address to go on to
		}
	}
	return false
}

// Loopback says whether a host, which may have a port, is this machine's own and nobody else's.
func Loopback(host string) bool {
	if name, port, ok := strings.Cut(host, "]"); ok { // [::1]:8443
		if port != "" && port[0] != ':' {
			return false
		}
		host = strings.TrimPrefix(name, "[")
	} else if strings.Count(host, ":") == 1 {
		host, _, _ = strings.Cut(host, ":")
	}
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
