package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// piece is a part of a path to rewrite to: some text, then perhaps the segment that filled a variable.
type piece struct {
	text string // canonical; begins with a slash, save the last piece's, which may be empty
	at   int    // the segment's position below base path and version; -1 for none
}

// compileRewrite takes apart what a route is rewritten to.
func compileRewrite(to string, parameters []parameter) ([]piece, error) {
	list, err := segments(to)
	if err != nil {
		return nil, fmt.Errorf("the path %q to rewrite to: %w", to, err)
	}
	var pieces []piece
	var text strings.Builder
	for _, s := range list {
		text.WriteByte('/')
		name, open := strings.CutPrefix(s, "{")
		name, closed := strings.CutSuffix(name, "}")
		if !open && !closed {
			text.WriteString(s)
			continue
		}
		i := slices.IndexFunc(parameters, func(p parameter) bool { return p.name == name })
		if !open || !closed || i < 0 {
			return nil, fmt.Errorf("the path %q to rewrite to: %q is no variable of the route", to, s)
		}
		pieces = append(pieces, piece{text.String(), parameters[i].at})
		text.Reset()
	}
	if text.Len() == 0 && len(pieces) == 0 {
		text.WriteByte('/')
	}
	pieces = append(pieces, piece{text.String(), -1})
	for _, p := range pieces {
		if p.text != "" && !canonical(p.text+"x") {
			return nil, fmt.Errorf("the path %q to rewrite to is not canonical", to)
		}
	}
	return pieces, nil
}

func canonical(path string) bool {
	p, prob := admit.Path(path, nil)
	return prob == nil && p.Escaped == path
}

// rewritten is the path that the upstream is asked for in the place of a route's. What fills the variables is cut out
// of the canonical path, so that it is encoded as there.
func (m *Match) rewritten(x *exchange.Exchange, to []piece) string {
	first := len(m.api.base)
	if m.cut {
		first++
	}
	var room [256]byte
	b := room[:0]
	for _, p := range to {
		b = append(b, p.text...)
		if p.at >= 0 {
			start := nth(x.Path.Escaped, first+p.at) + 1
			end := start + nth(x.Path.Escaped[start:], 0)
			b = append(b, x.Path.Escaped[start:end]...)
		}
	}
	return string(b)
}

// target is the path that the upstream is asked for: the canonical one without the version's segment, below the API's
// base path or what takes its place.
func (m *Match) target(x *exchange.Exchange) string {
	head, tail := x.Path.Escaped, ""
	switch {
	case m.without != "":
		return m.without
	case m.cut:
		head, tail = around(x.Path.Escaped, len(m.api.base))
	case m.api.Rewrite != "":
		n := nth(x.Path.Escaped, len(m.api.base))
		head, tail = x.Path.Escaped[:n], x.Path.Escaped[n:]
	}
	if m.api.Rewrite != "" {
		head = strings.TrimSuffix(m.api.Rewrite, "/")
		if tail == "/" {
			tail = ""
		}
	}
	switch {
	case head == "" && tail == "":
		return "/"
	case tail == "":
		return head
	case head == "":
		return tail
	}
	return head + tail
}
