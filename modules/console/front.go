package console

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/console"
)

// guarded says whether everybody who comes to the consoles of a server says who they are. Where somebody need not, the
// server must listen on loopback alone.
func guarded(server *caddyhttp.Server) (bool, error) {
	steps, err := stepsOf(server.Routes)
	if err != nil {
		return false, fmt.Errorf("api_console: looking at what stands before it: %w", err)
	}
	n, open := console.Guarded(steps)
	switch {
	case n == 0: // it stands where nobody can see what is before it: in what another handler has within
		open = console.ErrOpen
	case open == nil:
		return true, nil
	}
	if len(server.Listen) == 0 {
		return false, fmt.Errorf("api_console: %w", open)
	}
	for _, listen := range server.Listen {
		address, err := caddy.ParseNetworkAddress(listen)
		if err != nil || !address.IsUnixNetwork() && !console.Loopback(address.Host) {
			return false, fmt.Errorf("api_console: %w", open)
		}
	}
	return false, nil
}

// stepsOf makes steps of a server's routes. Those before the one that is being provisioned are provisioned already, and of
// it and those behind it there is what their configuration says.
func stepsOf(routes caddyhttp.RouteList) ([]console.Step, error) {
	steps := make([]console.Step, 0, len(routes))
	for i := range routes {
		route := &routes[i]
		step := console.Step{Group: route.Group}
		for _, set := range route.MatcherSets {
			step.Sets = append(step.Sets, setOf(set))
		}
		for _, raw := range route.MatcherSetsRaw {
			set, err := rawSet(raw)
			if err != nil {
				return nil, err
			}
			step.Sets = append(step.Sets, set)
		}
		for _, handler := range route.Handlers {
			one, err := provisioned(handler)
			if err != nil {
				return nil, err
			}
			step.Handlers = append(step.Handlers, one)
		}
		for _, raw := range route.HandlersRaw {
			one, err := configured(raw)
			if err != nil {
				return nil, err
			}
			step.Handlers = append(step.Handlers, one)
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func setOf(set caddyhttp.MatcherSet) (to console.Set) {
	for _, m := range set {
		switch m := m.(type) {
		case caddyhttp.MatchPath:
			to.Paths = append([]string{}, m...)
		case *caddyhttp.MatchPath:
			to.Paths = append([]string{}, *m...)
		default:
			to.Other = true
		}
	}
	return to
}

func rawSet(raw caddy.ModuleMap) (to console.Set, err error) {
	for name, config := range raw {
		if name != "path" {
			to.Other = true
			continue
		}
		to.Paths = []string{}
		if err := json.Unmarshal(config, &to.Paths); err != nil {
			return to, err
		}
	}
	return to, nil
}

// provisioned tells what is known of a handler that has been provisioned: its module, its configuration, and of a subroute
// what it has within.
func provisioned(handler caddyhttp.MiddlewareHandler) (to console.Handler, err error) {
	if sub, ok := handler.(*caddyhttp.Subroute); ok {
		to.Steps, err = stepsOf(sub.Routes)
		return to, err
	}
	module, ok := handler.(caddy.Module)
	if !ok {
		return to, nil
	}
	config, err := json.Marshal(handler)
	if err != nil {
		return to, err
	}
	return handlerOf(module.CaddyModule().ID.Name(), config)
}

// configured tells what is known of a handler that is configured.
func configured(raw json.RawMessage) (to console.Handler, err error) {
	var name struct {
		Handler string              `json:"handler"`
		Routes  caddyhttp.RouteList `json:"routes"`
	}
	if err := json.Unmarshal(raw, &name); err != nil {
		return to, err
	}
	if name.Handler == "subroute" {
		to.Steps, err = stepsOf(name.Routes)
		return to, err
	}
	return handlerOf(name.Handler, raw)
}

// handlerOf tells whether a handler is a console, or lets nobody pass who does not say who they are.
func handlerOf(module string, config []byte) (to console.Handler, err error) {
	switch module {
	default:
		// What other handlers have within is not looked at.
		to.Hides = bytes.Contains(config, []byte(`"api_console"`))
	case "api_console":
		var c struct {
			Path string `json:"path"`
		}
		if err := json.Unmarshal(config, &c); err != nil {
			return to, err
		}
		if to.Console = c.Path; to.Console == "" {
			to.Console = defaultPath
		}
	case "authentication":
		to.Authenticates = true
	case "api_auth":
		var c struct {
			Anonymous bool `json:"anonymous"`
		}
		if err := json.Unmarshal(config, &c); err != nil {
			return to, err
		}
		to.Authenticates = !c.Anonymous
	case "reverse_proxy": // forward_auth is one that asks somebody else with GET, and goes on where the answer is 2xx
		var c struct {
			Rewrite struct {
				Method string `json:"method"`
			} `json:"rewrite"`
			Responses []struct {
				Match struct {
					Status []int `json:"status_code"`
				} `json:"match"`
			} `json:"handle_response"`
		}
		if err := json.Unmarshal(config, &c); err != nil {
			return to, err
		}
		to.Authenticates = c.Rewrite.Method == "GET" && len(c.Responses) == 1 && len(c.Responses[0].Match.Status) == 1 && c.Responses[0].Match.Status[0] == 2
	}
	return to, nil
}
