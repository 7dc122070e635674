package policy

import (
	"fmt"
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// Consumer says which of Caddy's placeholders tell who calls. Only those can that hold what somebody the operator chose
// has said: what a caller writes, such as a header field, is taken for nobody's name.
type Consumer struct {
	// The placeholder with the caller's id, without braces: "http.reverse_proxy.header.Remote-User" is what the server
	// asked by forward_auth answered. Where it is empty, nobody is known. Bound: 256 bytes of an id. Required.
	ID string `json:"id"`

	// The placeholder with the names of the caller's groups, without braces. Default: no groups. Bound: 100 groups of
	// 256 bytes, 8 KiB together; a caller with more is nobody.
	Groups string `json:"groups,omitempty"`

	// What stands between two names of groups. Default: a comma.
	Separator string `json:"separator,omitempty"`
}

// Bounds of the groups of a consumer.
const (
	maxGroups = 100     // of one consumer
	maxList   = 8 << 10 // bytes of the list of groups, as the placeholder has it
)

// tellers begin the names of placeholders that callers cannot fill: the users of Caddy's own authentication, the answer of
// the server that forward_auth asks, and what the operator writes with the directive vars.
var tellers = []string{"http.auth.user.", "http.reverse_proxy.header.", "http.vars."}

// check finds placeholders that callers could fill themselves.
func (c *Consumer) check() error {
	err := trusted(c.ID)
	if err == nil && c.Groups != "" {
		err = trusted(c.Groups)
	}
	return err
}

func trusted(placeholder string) error {
	for _, t := range tellers {
		if strings.HasPrefix(placeholder, t) && len(placeholder) > len(t) {
			return nil
		}
	}
	return fmt.Errorf("{%s} may be what the caller wrote; who calls is told by {http.auth.user.…}, {rp.header.…} after forward_auth, or {vars.…}", placeholder)
}

// find is who calls; nil for nobody.
func (c *Consumer) find(x *exchange.Exchange) *exchange.Consumer {
	found := stage.User(stage.Placeholder(x.Context, c.ID))
	if found == nil || c.Groups == "" {
		return found
	}
	list := stage.Placeholder(x.Context, c.Groups)
	if len(list) > maxList {
		return nil
	}
	separator := c.Separator
	if separator == "" {
		separator = ","
	}
	for group := range strings.SplitSeq(list, separator) {
		if group = strings.TrimSpace(group); group == "" {
			continue
		}
		if !stage.Names(group) || len(found.Groups) == maxGroups {
			return nil
		}
		found.Groups = append(found.Groups, group)
	}
	return found
}

// named is the stage that says who calls as the operator named it, whoever an earlier stage found.
type named struct{ *Consumer }

// Name implements pipeline.Stage.
func (named) Name() string { return "identify" }

// Needs implements pipeline.Stage.
func (named) Needs() exchange.Needs { return exchange.Needs{} }

// Handle implements pipeline.Stage.
func (n named) Handle(x *exchange.Exchange) *problem.Problem {
	x.Consumer = n.find(x)
	return nil
}
