package catalogue

import "testing"

// An API is described to its callers unless it says otherwise, or a route of its own is at the path.
func TestDescribe(t *testing.T) {
	const known = "identify = [anonymous]\n"
	for _, test := range []struct {
		name, written, route string
		want                 Audience
	}{
		{"unless written", known, `"GET /orders" {}`, Callers},
		{"everyone", known + `describe = "everyone"`, `"GET /orders" {}`, Everyone},
		{"nobody", known + `describe = "nobody"`, `"GET /orders" {}`, Nobody},
		{"nobody, for an own route", known + `describe = "nobody"`, `"GET /openapi.json" {}`, Nobody},
		{"an own route", known, `"PUT /openapi.json" {}`, Nobody},
		{"an own route with a parameter", known, `"GET /{name}" {}`, Nobody},
		{"an own route below", known, `"GET /{name}/openapi.json" {}`, Callers},
		{"routes that know their callers", "", `"GET /orders" { identify = [anonymous] }`, Nobody},
		{"everyone, with such routes", `describe = "everyone"`, `"GET /orders" { identify = [anonymous] }`, Everyone},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, sources, diags := loadText(t, `
				upstream "u" { servers = ["https://u.example"] }
				api "a" {
				  upstream  = upstream.u
				  authorize = public
				  `+test.written+`
				  route `+test.route+`
				}`)
			if diags.HasErrors() {
				t.Fatal(render(t, diags, sources))
			}
			if got := c.APIs[0].Describe; got != test.want {
				t.Errorf("described to %s, want %s", got, test.want)
			}
		})
	}
}
