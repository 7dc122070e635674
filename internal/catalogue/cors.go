package catalogue

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/wicketgate/wicketgate/internal/cors"
)

// origin is an origin that a browser can send, or "*" for all of them. It gives a string.
type origin struct{}

func (origin) String() string {
	return `an origin such as "https://shop.acme.example", in lower case and without a path, "null", or "*" alone`
}

func (k origin) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, text, k)
	if !ok {
		return nil, false
	}
	if c.text == "*" {
		return c.text, true
	}
	if err := cors.CheckOrigin(c.text); err != nil { // which bounds its length too
		d.wrong(e.Range(), "Unsuitable value", "Expected %s; %v.", k, err)
		return nil, false
	}
	return c.text, true
}

// checkCORS looks for origins that go together neither with one another nor with credentials.
func (d *decoder) checkCORS(n *node) {
	c := n.one("cors")
	if c == nil {
		return
	}
	origins := take[[]item](c, "origins")
	for _, it := range origins {
		switch origin := it.value.(string); {
		case origin == "*" && len(origins) > 1:
			d.wrong(it.rng, "Contradictory origins", `"*" stands alone: it means all origins.`)
		case (origin == "*" || origin == "null") && take[bool](c, "credentials"):
			d.wrong(it.rng, "Unsafe origin", "Any page can have the origin %q, and would call with the credentials of whoever looks at it: name the origins, or leave credentials out.", origin)
		}
	}
}
