package validate

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/inflate"
	"github.com/wicketgate/wicketgate/internal/validate"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("api_validate", parse)
}

// UnmarshalCaddyfile sets up the handler:
//
//	api_validate [<matcher>] {
//		body   json|xml|form|multipart [max <size>] {
//			max_parts <count>
//			max_part  <size>
//			file      <field> <types...> [max <size>]
//		}
//		compressed gzip|zstd...
//		schema <file>
//		sanitize <path> trim|nfc|nfkc|lower|strip...
//		sanitize_query <name> trim|nfc|nfkc|lower|strip...
//		rule   "<expression>" "<detail>" [<JSON pointer>]
//		responses report|enforce [max <size>] {
//			schema <file> [<statuses...>]
//		}
//		report_only
//	}
//
// The words mean:
//
//   - body says what bodies are, of at most the given size: json, strict JSON in UTF-8; xml, by the schema, whose file's
//     name without its ending is the root unless the schema says another; form, application/x-www-form-urlencoded;
//     multipart, multipart/form-data. What is no JSON is seen as JSON by schema, rules and policies, and goes on as what it
//     was, written anew. Default: json, 1 MiB, where a schema or a rule reads the body; otherwise the body streams past.
//     The block is that of multipart: max_parts bounds the parts, 100 by default and at most 1000; max_part the size of one
//     that is no file, 64KiB by default. file names a field that is a file, and the media types that are taken, such as
//     image/png, image/* or */*, which its content must agree with; no other field may be a file. It may be given again for
//     other fields.
//   - compressed names content codings that bodies may have. They are taken off, within max and at most 100 times what came.
//     Default: none; a body with one is answered 415.
//   - schema is the file of the JSON Schema (2020-12) that bodies must be valid by. It is watched.
//   - sanitize does something to a text of the body before schema and rules see it, and the service gets what they saw:
//     trim takes white space off both ends, strip control characters out, but for tab and line ends, lower makes lower case,
//     nfc and nfkc are Unicode's normal forms; in the order given. A path is members' names joined by dots, with [*] for
//     each item of a list. What is no text is left as it is. It may be given again for other paths.
//   - sanitize_query does the same to the values of a query parameter.
//   - rule is a condition that requests must meet, what the caller of one that does not is told, and the part of the body
//     it is about. It may be given again; all are tried. The schema types it.
//   - responses holds what the service answers against schemas, of statuses such as 200 or 4xx. Default: 2xx. report keeps
//     what differs for caddy gateway drift, and lets the answer pass as it arrives; one above max, 1 MiB by default, is not
//     looked at. enforce answers 502 instead, to one above max too, 8 MiB by default. Each schema may be given again with
//     other statuses.
//   - report_only refuses nothing, but logs and counts what would have been refused. A body over the bound is refused all
//     the same.
//
// A block has at least one of body, schema, sanitize, sanitize_query, rule and responses. Relative paths are relative to the Caddyfile.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	begin := *d
	words := stage.NewWords("api_validate", []string{"body", "compressed", "schema", "sanitize", "sanitize_query", "rule", "responses", "report_only"}, nil)
	var rules []caddyfile.Dispenser // where each stands
	for d.NextBlock(0) {
		word, err := words.Take(d)
		if err == nil && word != "rule" && word != "sanitize" && word != "sanitize_query" {
			err = words.Once(d, word)
		}
		if err == nil {
			err = h.option(d, word)
		}
		if err != nil {
			return err
		}
		if word == "rule" {
			rules = append(rules, *d)
		}
	}
	if h.Body == "" && h.Schema == "" && h.Rules == nil && h.Responses == nil && h.Sanitize == nil && h.SanitizeQuery == nil {
		return begin.Err("api_validate needs something to do: body, schema, sanitize, sanitize_query, rule or responses")
	}
	if h.Body == "xml" && h.Schema == "" {
		return begin.Err("api_validate: body xml needs a schema, which says what the elements are")
	}
	return h.typed(rules)
}

// typed holds the rules against the schema, as Provision does, where that can be read already: here it is known in which
// line a rule stands.
func (h *Handler) typed(rules []caddyfile.Dispenser) error {
	body := h.Shape(read)
	if body == nil {
		return nil
	}
	for i := range rules {
		_, diags := h.Rules[i].Compile(stage.Here(&rules[i]), body)
		if err := stage.Mistake(&rules[i], "rule", diags); err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) option(d *caddyfile.Dispenser, word string) error {
	switch word {
	case "body":
		return h.body(d)
	case "compressed":
		args, err := stage.Arguments(d, 1, 2, "compressed gzip|zstd...")
		if err != nil {
			return err
		}
		for i, coding := range args {
			if !slices.Contains(inflate.Codings(), coding) || slices.Contains(args[:i], coding) {
				return d.Errf("compressed: expected %s, each once, not %q", strings.Join(inflate.Codings(), " and "), coding)
			}
		}
		h.Compressed = args
	case "schema":
		args, err := stage.Arguments(d, 1, 1, "schema <file>")
		if err != nil {
			return err
		}
		h.Schema = stage.Path(d, args[0])
	case "rule":
		args, err := stage.Arguments(d, 2, 3, `rule "<expression>" "<detail>" [<JSON pointer>]`)
		if err != nil {
			return err
		}
		r := validate.RuleConfig{Expr: args[0], Detail: args[1]}
		if len(args) == 3 {
			r.At = args[2]
		}
		_, diags := r.Compile(stage.Here(d), nil)
		if diags.HasErrors() {
			return stage.Mistake(d, "rule", diags)
		}
		h.Rules = append(h.Rules, r)
	case "sanitize", "sanitize_query":
		return h.sanitize(d, word)
	case "responses":
		return h.responses(d)
	case "report_only":
		h.ReportOnly = true
		_, err := stage.Arguments(d, 0, 0, "report_only")
		return err
	}
	return nil
}

func parse(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := &Handler{}
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
