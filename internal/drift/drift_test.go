package drift

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	counted := map[string]int{}
	r := New(Config{Now: func() time.Time { return now }, Counted: func(api string, became Result) { counted[api+" "+string(became)]++ }})
	orders := r.Route(Key{API: "shop", Shape: "v2", Route: "GET /orders"})
	later := func() { now = now.Add(time.Minute) }
	orders.Checked(200, nil)
	later()
	orders.Checked(200, []Finding{{"/data/*/total", "type", "must be of type integer"}, {"/data/*/total", "type", "must be of type integer"}, {"/data/*/x", "additionalProperties", "is not a known member"}})
	later()
	orders.Checked(200, []Finding{{"/data/*/total", "type", "must be of type integer or null"}})
	orders.Skipped(TooLarge)
	r.Route(Key{Route: "order.json", Enforced: true}).Skipped(Unread)
	got, err := json.Marshal(r.Report())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"checked":3,"drifted":2,"routes":[{"route":"order.json","enforced":true,"since":"2026-11-01T12:02:00Z","checked":0,"drifted":0,"unread":1},` +
		`{"api":"shop","version":"v2","route":"GET /orders","since":"2026-11-01T12:00:00Z","checked":3,"drifted":2,"too_large":1,"findings":[` +
		`{"status":200,"pointer":"/data/*/total","keyword":"type","message":"must be of type integer","count":2,"first":"2026-11-01T12:01:00Z","last":"2026-11-01T12:02:00Z"},` +
		`{"status":200,"pointer":"/data/*/x","keyword":"additionalProperties","message":"is not a known member","count":1,"first":"2026-11-01T12:01:00Z","last":"2026-11-01T12:01:00Z"}]}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if fmt.Sprint(counted) != "map[ unread:1 shop drifted:2 shop too_large:1 shop valid:1]" {
		t.Errorf("counted %v", counted)
	}
	if again := r.Route(Key{API: "shop", Shape: "v2", Route: "GET /orders"}); again != orders {
		t.Error("a load forgets what was found")
	}
	r.Keep(nil)
	if left := r.Report().Routes; len(left) != 1 || left[0].Route != "order.json" {
		t.Errorf("kept %v", left)
	}
}

// What a service sends never makes the report grow without bound.
func TestBounds(t *testing.T) {
	r := New(Config{})
	var all sync.WaitGroup
	route := r.Route(Key{API: "a", Route: "GET /"})
	for g := range 4 {
		all.Go(func() {
			for i := range 1000 {
				route.Checked(200, []Finding{{fmt.Sprintf("/%d-%d%s", g, i, strings.Repeat("x", 10_000)), "type", strings.Repeat("y", 10_000)}})
			}
		})
	}
	for i := range 2 * maxRoutes {
		r.Route(Key{API: "a", Route: fmt.Sprint(i)}).Skipped(Broken)
	}
	all.Wait()
	report := r.Report()
	if len(report.Routes) > maxRoutes || report.Checked != 4000 {
		t.Errorf("%d routes, %d answers", len(report.Routes), report.Checked)
	}
	for _, one := range report.Routes {
		if one.Route == "GET /" && (len(one.Findings) != maxFindings || one.Others != 4000-maxFindings || len(one.Findings[0].Pointer) > maxPlace+3) {
			t.Errorf("%d findings and %d others", len(one.Findings), one.Others)
		}
	}
}
