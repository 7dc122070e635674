package conceal

import (
	"strings"
	"testing"
)

const (
	id     = "wg_5BhEtQB3LP1l"
	secret = "Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1"
	key    = id + "_" + secret
)

func TestText(t *testing.T) {
	places := (*Places)(nil).And([]string{"x-api-key"}, []string{"api_key", "k"})
	for text, want := range map[string]string{
		"":                                      "",
		"/orders":                               "/orders",
		"/orders?page=2":                        "/orders?page=2",
		"/orders?api_key=a":                     "/orders?api_key=REDACTED",
		"/orders?api_key=":                      "/orders?api_key=REDACTED",
		"/orders?page=2&api_key=a&sort=id":      "/orders?page=2&api_key=REDACTED&sort=id",
		"/orders?api_key=a&api_key=b":           "/orders?api_key=REDACTED&api_key=REDACTED",
		"/orders?api%5Fkey=a&%6b=b#x":           "/orders?api%5Fkey=REDACTED&%6b=REDACTED#x",
		"/orders?api_key=a=b=c&x=api_key":       "/orders?api_key=REDACTED&x=api_key",
		"/orders?my_api_key=a&x=1":              "/orders?my_api_key=a&x=1",
		"/orders?API_KEY=a":                     "/orders?API_KEY=a", // another parameter
		"api_key=a&b=c":                         "api_key=REDACTED&b=c",
		"GET \"https://x/?api_key=a b\" failed": "GET \"https://x/?api_key=REDACTED b\" failed",
		"/orders?x=%zz&api_key=a":               "/orders?x=%zz&api_key=REDACTED",
		"a=b":                                   "a=b",
		key:                                     id + "_REDACTED",
		"Bearer " + key + ", twice: " + key:     "Bearer " + id + "_REDACTED, twice: " + id + "_REDACTED",
		key[:40]:                                id + "_REDACTED", // half of a secret
		key + "x":                               id + "_REDACTED",
		"/orders?other=" + key + "&page=2":      "/orders?other=" + id + "_REDACTED&page=2",
		id + " expired":                         id + " expired",
		"wg_short_" + secret:                    "wg_short_" + secret,
		"wg_wg_5BhEtQB3LP1l_" + secret:          "wg_" + id + "_REDACTED",
		"wg_":                                   "wg_",
		strings.Repeat("wg_", 3) + id[3:] + "_": strings.Repeat("wg_", 3) + id[3:] + "_",
	} {
		if got := places.Text(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	if got := (*Places)(nil).Text("/?api_key=a&x=" + key); got != "/?api_key=a&x="+id+"_REDACTED" {
		t.Errorf("without places: %s", got)
	}
}

func TestPlaces(t *testing.T) {
	var none *Places
	if none.Field("X-Api-Key") || none.And(nil, nil) != nil {
		t.Error("no places are some")
	}
	one := none.And([]string{"X-API-Key"}, nil)
	if !one.Field("X-Api-Key") || !one.Field("x-api-key") || one.Field("X-Api") {
		t.Error("the spelling counts")
	}
	if one.And([]string{"x-api-key"}, nil) != one {
		t.Error("what is known makes others")
	}
	more := one.And([]string{"Shop-Key"}, []string{"k"})
	if !more.Field("Shop-Key") || !more.Field("X-Api-Key") || one.Field("Shop-Key") || one.Text("?k=1") != "?k=1" || more.Text("?k=1") != "?k=REDACTED" {
		t.Error("more places change the others")
	}
}

// No credential in a query survives, and nothing else is changed twice.
func FuzzText(f *testing.F) {
	for _, s := range []string{"/a?k=1&b=2", "k=", "?k", "%6b=1", key, "wg_" + key, "a=b=k=c"} {
		f.Add(s)
	}
	places := (*Places)(nil).And(nil, []string{"k"})
	f.Fuzz(func(t *testing.T, s string) {
		once := places.Text(s)
		if twice := places.Text(once); twice != once {
			t.Fatalf("%q becomes %q, then %q", s, once, twice)
		}
		if s := places.Text("/orders?" + "k=canary&" + s); strings.Contains(s, "canary") {
			t.Fatal(s)
		}
	})
}

func BenchmarkText(b *testing.B) {
	places := (*Places)(nil).And([]string{"X-Api-Key"}, []string{"api_key"})
	for name, text := range map[string]string{"nothing": "/api/v2/orders/7?page=2&size=10", "a key": "/api/v2/orders?api_key=" + key} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				places.Text(text)
			}
		})
	}
}
