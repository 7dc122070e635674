package change_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

// five are five operations on an order.
var five = []*change.Change{on("order",
	rename("verified", "status"), enum("status", `true`, `"verified"`, `false`, `"unverified"`),
	move("customer_name", "customer.name"), move("customer_email", "customer.email"),
	drop("legacy_ref", `null`))}

// order writes an order in the old shape, with lines of about 100 bytes.
func order(lines int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"id":"0198c1d4-7a53-7b9e-a3f1-0d9f1c2b3a4d","created_at":"2026-03-14T15:09:26.535Z","currency":"EUR","customer_name":"Ada Lovelace",` +
		`"customer_email":"ada@example.org","verified":true,"legacy_ref":null,"total":{"amount":12930},"discount":0.15,"express":false,` +
		`"shipping":{"street":"12 St James's Square","city":"London","zip":"SW1Y 4JH","country":"GB"},"payment":{"method":"card","last4":"4242","captured":true},` +
		`"notes":"Please leave it with the porter if nobody answers the bell; he is there from seven to seven.","lines":[`)
	for i := range lines {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"sku":"KB-%06d","qty":%d,"price":8900,"title":"Keyboard, mechanical, UK layout","options":["a","b"]}`, i, i%9)
	}
	b.WriteString(`],"tags":["gift","returning"],"metadata":{"campaign":"spring-26","source":"web"}}`)
	return b.Bytes()
}

func orders(n int) []byte {
	b := append([]byte(`{"data":[`), bytes.Repeat(append(order(1), ','), n)...)
	return append(b[:len(b)-1], "]}"...)
}

var messages = []struct {
	name string
	root string
	doc  []byte
}{
	{"1KB", "", order(3)},
	{"100KB-few-touched", "", order(1_000)},
	{"100KB-list-all-touched", "data[*]", orders(120)},
}

func BenchmarkUp(b *testing.B) {
	for _, m := range messages {
		b.Run(m.name, func(b *testing.B) {
			p := compile(b, five, objects(), m.root)
			b.SetBytes(int64(len(m.doc)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Up(m.doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDown(b *testing.B) {
	for _, m := range messages {
		b.Run(m.name, func(b *testing.B) {
			p := compile(b, five, objects(), m.root)
			up, err := p.Up(m.doc)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(up)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Down(up); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMaps does by hand what BenchmarkUp does, through encoding/json and maps.
func BenchmarkMaps(b *testing.B) {
	for _, m := range messages {
		b.Run(m.name, func(b *testing.B) {
			b.SetBytes(int64(len(m.doc)))
			b.ReportAllocs()
			for b.Loop() {
				var root map[string]any
				if err := json.Unmarshal(m.doc, &root); err != nil {
					b.Fatal(err)
				}
				all := []any{root}
				if m.root != "" {
					all = root["data"].([]any)
				}
				for _, v := range all {
					o := v.(map[string]any)
					o["status"] = "unverified"
					if o["verified"].(bool) {
						o["status"] = "verified"
					}
					o["customer"] = map[string]any{"name": o["customer_name"], "email": o["customer_email"]}
					for _, name := range []string{"verified", "customer_name", "customer_email", "legacy_ref"} {
						delete(o, name)
					}
				}
				if _, err := json.Marshal(root); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// twenty are twenty changes on an order, stacked: what five does, and then some of each kind.
var twenty = []*change.Change{
	on("order", rename("verified", "status"), enum("status", `true`, `"verified"`, `false`, `"unverified"`)),
	on("order", move("customer_name", "customer.name"), move("customer_email", "customer.email")),
	on("order", drop("legacy_ref", `null`)),
	on("order", scale("discount", 2, "number")),
	on("order", wrap("discount", "percent")),
	on("order", rename("created_at", "created")),
	on("order", move("shipping.zip", "shipping.address.zip"), move("shipping.city", "shipping.address.city")),
	on("order", cast("express", "boolean", "string")),
	on("order", enum("express", `"true"`, `"express"`, `"false"`, `"standard"`)),
	on("order", rename("express", "speed")),
	on("order", split("customer.name", " ", "first", "last")),
	on("order", rename("customer.first", "given"), rename("customer.last", "family")),
	on("order", list("customer")),
	on("order", rename("customer", "customers")),
	on("order", add("channel", `"web"`)),
	on("order", unwrap("total", "amount")),
	on("order", scale("total", -2, "string")),
	on("order", rename("currency", "currency_code")),
	on("order", move("payment.method", "method")),
	on("order", join("shipping.to", ", ", "street", "country")),
}

func BenchmarkTwenty(b *testing.B) {
	p := compile(b, twenty, objects(), "")
	old := order(3)
	up, err := p.Up(old)
	if err != nil {
		b.Fatal(err)
	}
	for _, way := range []struct {
		name string
		run  func([]byte) ([]byte, error)
		doc  []byte
	}{{"up", p.Up, old}, {"down", p.Down, up}} {
		b.Run(way.name, func(b *testing.B) {
			b.SetBytes(int64(len(way.doc)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := way.run(way.doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMapsTwenty does by hand what BenchmarkTwenty does on the way up, all at once, through encoding/json and maps.
func BenchmarkMapsTwenty(b *testing.B) {
	doc := order(3)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	rename := func(o map[string]any, from, to string) {
		o[to] = o[from]
		delete(o, from)
	}
	words := func(v any, yes, no string) string {
		if v == true || v == "true" {
			return yes
		}
		return no
	}
	for b.Loop() {
		var o map[string]any
		if err := json.Unmarshal(doc, &o); err != nil {
			b.Fatal(err)
		}
		rename(o, "verified", "status")
		o["status"] = words(o["status"], "verified", "unverified")
		first, last, _ := strings.Cut(o["customer_name"].(string), " ")
		o["customers"] = []any{map[string]any{"given": first, "family": last, "email": o["customer_email"]}}
		for _, name := range []string{"customer_name", "customer_email", "legacy_ref"} {
			delete(o, name)
		}
		o["discount"] = map[string]any{"percent": math.Round(o["discount"].(float64) * 100)}
		rename(o, "created_at", "created")
		rename(o, "express", "speed")
		o["speed"] = words(o["speed"], "express", "standard")
		o["channel"] = "web"
		o["total"] = strconv.FormatFloat(o["total"].(map[string]any)["amount"].(float64)/100, 'f', 2, 64)
		rename(o, "currency", "currency_code")
		payment := o["payment"].(map[string]any)
		o["method"] = payment["method"]
		delete(payment, "method")
		shipping := o["shipping"].(map[string]any)
		shipping["address"] = map[string]any{"zip": shipping["zip"], "city": shipping["city"]}
		shipping["to"] = shipping["street"].(string) + ", " + shipping["country"].(string)
		for _, name := range []string{"zip", "city", "street", "country"} {
			delete(shipping, name)
		}
		if _, err := json.Marshal(o); err != nil {
			b.Fatal(err)
		}
	}
}
