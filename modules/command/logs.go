package command

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/dpop"
	"github.com/wicketgate/wicketgate/internal/identity"
)

// sent are the places in which callers send credentials that Caddy's logs show.
type sent struct{ fields, parameters []string }

func (s *sent) add(fields, parameters []string) {
	for _, f := range fields {
		f = http.CanonicalHeaderKey(f)
		// Caddy shows no Authorization unless it is told to, and a proof of possession is good once.
		if f != "Authorization" && f != dpop.Field && !slices.Contains(s.fields, f) {
			s.fields = append(s.fields, f)
		}
	}
	for _, p := range parameters {
		if !slices.Contains(s.parameters, p) {
			s.parameters = append(s.parameters, p)
		}
	}
}

func (s *sent) keys(c *identity.APIKeyConfig) {
	if c == nil {
		return
	}
	if method, diags := identity.NewAPIKeys(*c, nil); !diags.HasErrors() { // whose mistakes others tell
		s.add(method.Fields(), method.Parameters())
	}
}

// logged gives a warning for each log of a configuration that shows API keys which callers send to the gateway: catalogue are
// the places of the catalogue's.
func logged(raw []byte, catalogue sent) (diags hcl.Diagnostics, err error) {
	var config struct {
		Logging struct {
			Logs map[string]*caddy.CustomLog `json:"logs"`
		} `json:"logging"`
		Apps struct {
			HTTP struct {
				Servers map[string]json.RawMessage `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	logs := config.Logging.Logs
	if logs["default"] == nil { // which there always is
		logs = maps.Clone(logs)
		if logs == nil {
			logs = make(map[string]*caddy.CustomLog)
		}
		logs["default"] = &caddy.CustomLog{}
	}
	for _, name := range slices.Sorted(maps.Keys(config.Apps.HTTP.Servers)) {
		server := config.Apps.HTTP.Servers[name]
		var places sent
		if err := places.within(server, catalogue); err != nil {
			return nil, err
		}
		if len(places.fields)+len(places.parameters) == 0 {
			continue
		}
		var its struct {
			Logs *caddyhttp.ServerLogConfig `json:"logs"`
		}
		if err := json.Unmarshal(server, &its); err != nil {
			return nil, fmt.Errorf("reading the logs of the server %s: %w", name, err)
		}
		for _, log := range slices.Sorted(maps.Keys(logs)) {
			if d := shown(log, logs[log], name, loggers(its.Logs), places); d != nil {
				diags = append(diags, d)
			}
		}
	}
	return diags, nil
}

// within adds the places of what a part of the configuration has: handlers and providers of the gateway, however deep.
func (s *sent) within(part json.RawMessage, catalogue sent) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(part, &members) == nil {
		switch string(members["handler"]) {
		case `"api_gateway"`:
			s.add(catalogue.fields, catalogue.parameters)
		case `"api_auth"`:
			var c identity.Config
			if err := json.Unmarshal(part, &c); err != nil {
				return fmt.Errorf("reading an api_auth: %w", err)
			}
			for i := range c.Methods {
				s.keys(c.Methods[i].APIKey)
			}
		case `"authentication"`:
			var c struct {
				Providers struct {
					Key *identity.APIKeyConfig `json:"api_key"`
				} `json:"providers"`
			}
			if err := json.Unmarshal(part, &c); err != nil {
				return fmt.Errorf("reading the providers of an authentication: %w", err)
			}
			s.keys(c.Providers.Key)
		}
		for _, name := range slices.Sorted(maps.Keys(members)) {
			if err := s.within(members[name], catalogue); err != nil {
				return err
			}
		}
		return nil
	}
	var items []json.RawMessage
	if json.Unmarshal(part, &items) == nil {
		for _, item := range items {
			if err := s.within(item, catalogue); err != nil {
				return err
			}
		}
	}
	return nil
}

// loggers are the names by which a server tells of requests: of those that end in an error, always.
func loggers(c *caddyhttp.ServerLogConfig) []string {
	if c == nil {
		return []string{"http.log.error"}
	}
	suffixes := []string{c.DefaultLoggerName}
	for _, host := range slices.Sorted(maps.Keys(c.LoggerNames)) {
		suffixes = append(suffixes, c.LoggerNames[host]...)
	}
	slices.Sort(suffixes)
	var names []string
	for _, suffix := range slices.Compact(suffixes) {
		if suffix != "" {
			suffix = "." + suffix
		}
		names = append(names, "http.log.access"+suffix, "http.log.error"+suffix)
	}
	return names
}

// shown is the warning of a log that shows credentials; nil for none.
func shown(name string, log *caddy.CustomLog, server string, loggers []string, places sent) *hcl.Diagnostic {
	var writer struct {
		Output string `json:"output"`
	}
	if json.Unmarshal(log.WriterRaw, &writer) == nil && writer.Output == "discard" || log.Level == "PANIC" || log.Level == "FATAL" {
		return nil
	}
	loggers = slices.DeleteFunc(slices.Clone(loggers), func(l string) bool { return !accepts(log, l) })
	left := places.left(log.EncoderRaw)
	if len(loggers) == 0 || len(left.fields)+len(left.parameters) == 0 {
		return nil
	}
	var what, filters []string
	for _, f := range left.fields {
		what, filters = append(what, "the header field "+f), append(filters, "request>headers>"+f+" delete")
	}
	if len(left.parameters) > 0 {
		filters = append(filters, "request>uri query {")
		for _, p := range left.parameters {
			what, filters = append(what, "the query parameter "+p), append(filters, "  replace "+p+" REDACTED")
		}
		filters = append(filters, "}")
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagWarning, Summary: "API keys in a log",
		Detail: fmt.Sprintf("The log %q, which has %s of the server %s, shows %s, in which callers send API keys. Write in it\n  format api_gateway\nor, where it has another format,\n  format filter {\n    %s\n  }",
			name, strings.Join(loggers, " and "), server, strings.Join(what, " and "), strings.Join(filters, "\n    ")),
	}
}

// accepts says whether a log has the lines of a logger: the longest name of a logger above it, or of its own, decides.
func accepts(log *caddy.CustomLog, logger string) bool {
	longest := func(names []string) (n int) {
		for _, name := range names {
			if name == "*" || strings.HasPrefix(logger+".", name+".") {
				n = max(n, len(name))
			}
		}
		return n
	}
	in, out := longest(log.Include), longest(log.Exclude)
	return (in > 0 || len(log.Include) == 0) && out <= in
}

// left are the places that a log's format does not leave out.
func (s sent) left(format json.RawMessage) sent {
	var f struct {
		Format string                     `json:"format"`
		Wrap   json.RawMessage            `json:"wrap"`
		Fields map[string]json.RawMessage `json:"fields"`
	}
	if format == nil || json.Unmarshal(format, &f) != nil {
		return s
	}
	switch f.Format {
	case "api_gateway":
		return sent{}
	case "append":
	case "filter":
		if hides(f.Fields["request"], "") {
			return sent{}
		}
		s.fields = slices.DeleteFunc(slices.Clone(s.fields), func(name string) bool {
			return hides(f.Fields["request>headers"], "") || hides(f.Fields["request>headers>"+name], "")
		})
		s.parameters = slices.DeleteFunc(slices.Clone(s.parameters), func(name string) bool { return hides(f.Fields["request>uri"], name) })
	default:
		return s
	}
	return s.left(f.Wrap)
}

// hides says whether a filter leaves out a field, or of an address the parameter.
func hides(filter json.RawMessage, parameter string) bool {
	var f struct {
		Filter  string `json:"filter"`
		Actions []struct {
			Parameter string `json:"parameter"`
		} `json:"actions"`
	}
	if filter == nil || json.Unmarshal(filter, &f) != nil {
		return false
	}
	switch f.Filter {
	case "query":
		for _, a := range f.Actions {
			if a.Parameter == parameter {
				return true
			}
		}
		return false
	case "rename", "ip_mask", "cookie":
		return false
	}
	return true // delete, replace, hash, and expressions that somebody wrote
}
