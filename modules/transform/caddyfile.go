package transform

import (
	"encoding/json"
	"math"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/transform"
	"github.com/wicketgate/wicketgate/modules/stage"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("api_transform", parse)
}

// UnmarshalCaddyfile sets up the handler:
//
//	api_transform [<matcher>] {
//		request {
//			set    header <name> <value>
//			remove header <name>
//			rename <field> <name>
//			move   <field> <path>
//			drop   <field>
//			add    <field> <value>
//			enum   <field> <from> <to> [<from> <to>...]
//			wrap   <field> <name>
//			unwrap <field> <name>
//			list   <field>
//			unlist <field>
//			scale  <field> <decimals> [string|number]
//			cast   <field> <from> <to>
//			split  <field> <separator> <name> <name>...
//			join   <field> <separator> <name> <name>...
//			max    <size>
//		}
//		response {
//			... the same
//		}
//	}
//
// The words mean:
//
//   - request is what becomes of requests before they go on, response what becomes of answers on their way to the caller.
//     In either, operations on the body are done in written order, to the body as it comes.
//   - set header gives a header field one value, which may have placeholders, in the place of all it had.
//   - remove header takes a header field off.
//   - rename gives a member of the JSON body another name beside the old one.
//   - move brings a member to another path.
//   - drop takes a member away.
//   - add makes a member; where there is one already, the body does not fit.
//   - enum translates a member's values: what is from becomes to. A body with any other value does not fit.
//   - wrap puts a value into an object, in which it has that name: 7 becomes {"amount": 7}.
//   - unwrap takes a value out of the object around it, which may have no other member.
//   - list puts a value into a list: 7 becomes [7].
//   - unlist takes a value out of the list around it, which may have no other item.
//   - scale moves the decimal point so many digits to the right, to the left where they are negative: with 2 decimals
//     "12.30" becomes 1230. What has the decimal point is a string with exactly so many decimals, or a number that has no
//     more; what has none is an integer. Default: string.
//   - cast makes a string of a number or boolean, or the other way round: the types are string, number and boolean. A
//     number keeps its spelling, and a string must spell a JSON number or boolean exactly.
//   - split makes members of a text, beside it; the last has the rest. Where there are fewer parts, the last are left out.
//   - join makes a text of members beside it; a body in which any but the last has the separator does not fit.
//   - max is the largest body that is changed; of an answer of more than 16KiB in which only items of lists change, it is
//     the largest item. Default: 1MiB in a request, 8MiB in an answer.
//
// A field is members' names joined by dots, with [*] for each item of a list: data[*].total.amount. A value is JSON; in
// double quotes, or where it is no JSON, it is a string: 0 and `{"a": 1}` are JSON, "0" and EUR are strings. What is not
// there stays away; scale, cast, split and join leave null as it is.
//
// A request's body that the operations do not fit is answered 422, one that is not JSON 400 or 415. A successful answer
// that cannot be changed is answered 502, or broken off where a part of it has gone out; answers that are no success have
// a shape of their own, and only their header fields are changed.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	begin := *d
	words := stage.NewWords("api_transform", []string{"request", "response"}, nil)
	for d.NextBlock(0) {
		word, err := words.Take(d)
		if err == nil {
			err = words.Once(d, word)
		}
		if err != nil {
			return err
		}
		m := &h.Request
		if word == "response" {
			m = &h.Response
		}
		if err := message(d, word, m); err != nil {
			return err
		}
	}
	if len(h.Request.Set)+len(h.Request.Remove)+len(h.Request.Operations)+
		len(h.Response.Set)+len(h.Response.Remove)+len(h.Response.Operations) == 0 {
		return begin.Err("api_transform needs something to change: a request or a response block with a line in it")
	}
	return nil
}

// message reads a request or response block.
func message(d *caddyfile.Dispenser, of string, m *transform.Message) error {
	if d.NextArg() {
		return d.Errf("expected: %s { and what is changed, a line each", of)
	}
	begin := *d
	lines := 0
	words := stage.NewWords(of, []string{"set", "remove", "rename", "move", "drop", "add", "enum",
		"wrap", "unwrap", "list", "unlist", "scale", "cast", "split", "join", "max"}, nil)
	for nesting := d.Nesting(); d.NextBlock(nesting); lines++ {
		word, err := words.Take(d)
		if err != nil {
			return err
		}
		switch word {
		case "set", "remove":
			err = header(d, word, words, m)
		case "max":
			if err = words.Once(d, word); err == nil {
				err = limit(d, m)
			}
		default:
			err = operation(d, word, m)
		}
		if err == nil {
			err = stage.Mistake(d, word, m.Check()) // what came before was right, so it is this line
		}
		if err != nil {
			return err
		}
	}
	if lines == 0 {
		return begin.Errf("%s is empty: write what is changed, a line each", of)
	}
	return nil
}

func header(d *caddyfile.Dispenser, word string, words *stage.Words, m *transform.Message) error {
	usage, n := "remove header <name>", 2
	if word == "set" {
		usage, n = "set header <name> <value>", 3
	}
	args, err := stage.Arguments(d, n, n, usage)
	if err != nil {
		return err
	}
	if args[0] != "header" {
		return d.Errf("expected: %s", usage)
	}
	name := textproto.CanonicalMIMEHeaderKey(args[1])
	if err := words.Once(d, "header "+name); err != nil {
		return err
	}
	if word == "remove" {
		m.Remove = append(m.Remove, name)
		return nil
	}
	if m.Set == nil {
		m.Set = make(map[string]string)
	}
	m.Set[name] = args[2]
	return nil
}

func limit(d *caddyfile.Dispenser, m *transform.Message) error {
	args, err := stage.Arguments(d, 1, 1, "max <size>")
	if err != nil {
		return err
	}
	m.Max, err = stage.Size(d, args[0])
	return err
}

// usages are how the lines of operations are written, and how many words they have after the field.
var usages = map[string]struct {
	form        string
	least, most int
}{
	"rename": {"rename <field> <name>", 1, 1},
	"move":   {"move <field> <path>", 1, 1},
	"drop":   {"drop <field>", 0, 0},
	"add":    {"add <field> <value>", 1, 1},
	"enum":   {"enum <field> <from> <to> [<from> <to>...]", 2, math.MaxInt},
	"wrap":   {"wrap <field> <name>", 1, 1},
	"unwrap": {"unwrap <field> <name>", 1, 1},
	"list":   {"list <field>", 0, 0},
	"unlist": {"unlist <field>", 0, 0},
	"scale":  {"scale <field> <decimals> [string|number]", 1, 2},
	"cast":   {"cast <field> <from> <to>", 2, 2},
	"split":  {"split <field> <separator> <name> <name>...", 3, math.MaxInt},
	"join":   {"join <field> <separator> <name> <name>...", 3, math.MaxInt},
}

func operation(d *caddyfile.Dispenser, word string, m *transform.Message) error {
	usage := usages[word]
	wrong := func() error { return d.Errf("expected: %s", usage.form) }
	o := transform.Operation{Kind: word}
	if !d.NextArg() || d.Val() == "" {
		return wrong()
	}
	o.Field = d.Val()
	var args []string
	var values []json.RawMessage
	for d.NextArg() {
		if word == "add" || word == "enum" {
			v, err := value(d)
			if err != nil {
				return err
			}
			values = append(values, v)
		} else if d.Val() == "" {
			return wrong()
		}
		args = append(args, d.Val())
	}
	if len(args) < usage.least || len(args) > usage.most {
		return wrong()
	}
	switch word {
	case "rename", "move":
		o.To = args[0]
	case "add":
		o.Value = values[0]
	case "enum":
		if len(values)%2 != 0 {
			return wrong()
		}
		for i := 0; i < len(values); i += 2 {
			o.Pairs = append(o.Pairs, [2]json.RawMessage{values[i], values[i+1]})
		}
	case "wrap", "unwrap":
		o.Member = args[0]
	case "scale":
		var err error
		if o.Decimals, err = strconv.Atoi(args[0]); err != nil {
			return wrong()
		}
		if len(args) == 2 {
			o.As = args[1]
		}
	case "cast":
		o.From, o.To = args[0], args[1]
	case "split", "join":
		o.Separator, o.Parts = args[0], args[1:]
	}
	m.Operations = append(m.Operations, o)
	return nil
}

// value reads a JSON value at the dispenser's word. In double quotes it is a string, as elsewhere in Caddyfiles.
func value(d *caddyfile.Dispenser) (json.RawMessage, error) {
	raw, text := d.ValRaw(), d.Val()
	if !strings.HasPrefix(raw, `"`) && json.Valid([]byte(text)) {
		return json.RawMessage(text), nil
	}
	if strings.HasPrefix(raw, "`") {
		return nil, d.Errf("expected JSON in backquotes, not %s", text)
	}
	return json.Marshal(text)
}

func parse(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := &Handler{}
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
