package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/issuer"
	"github.com/wicketgate/wicketgate/internal/usage"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// TestHealth says what keeps requests away.
func TestHealth(t *testing.T) {
	good := Facts{Started: true, Policies: true}
	for name, test := range map[string]struct {
		facts   Facts
		because string // "" for ready
	}{
		"all is well":   {good, ""},
		"not started":   {Facts{Policies: true}, "the configuration is not in force yet"},
		"no policies":   {Facts{Started: true}, "there are no policies yet"},
		"no ledger":     {Facts{Started: true, Policies: true, Ledger: errors.New("disk gone")}, "the ledger: disk gone"},
		"about to stop": {Facts{Started: true, Policies: true, Draining: true}, "the gateway is about to stop"},
	} {
		h := test.facts.Health()
		if got := strings.Join(h.Because, "; "); got != test.because || h.Ready != (test.because == "") || h.Draining != test.facts.Draining {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if n := testing.AllocsPerRun(100, func() { good.Ready() }); n != 0 {
		t.Errorf("it takes %v allocations to be asked", n)
	}
}

// TestLoad follows loads that fail and mend.
func TestLoad(t *testing.T) {
	mistake := func(n int) (all hcl.Diagnostics) {
		for i := range n {
			all = append(all, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Wrong", Detail: "It is.",
				Subject: &hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: i + 1, Column: 3}}})
		}
		return all
	}
	var none *Load
	first := none.Succeeded(3, hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Odd"}}, noon)
	if first.Generation != 1 || first.Files != 3 || len(first.Warnings) != 1 || first.Error != nil {
		t.Errorf("%+v", first)
	}
	broken := first.Failed(mistake(1), noon.Add(time.Minute))
	still := broken.Failed(mistake(maxMistakes+7), noon.Add(time.Hour))
	if first.Error != nil || broken.Error.Mistakes[0] != (Mistake{"a.hcl", 1, 3, "Wrong", "It is."}) || !broken.Loaded.Equal(noon) {
		t.Errorf("%+v", broken)
	}
	if e := still.Error; !e.Since.Equal(noon.Add(time.Minute)) || !e.Time.Equal(noon.Add(time.Hour)) || len(e.Mistakes) != maxMistakes || e.More != 7 {
		t.Errorf("%+v", e)
	}
	if mended := still.Succeeded(3, nil, noon.Add(2*time.Hour)); mended.Generation != 2 || mended.Error != nil {
		t.Errorf("%+v", mended)
	}
}

// TestEnding tells of versions near their sunset and past it.
func TestEnding(t *testing.T) {
	got := Ending([]usage.Version{
		{API: "orders", Version: "v3", Sunset: noon.Add(Near + time.Hour)},
		{API: "orders", Version: "v2", Deprecated: noon.Add(-Near), Sunset: noon.Add(36 * time.Hour)},
		{API: "orders", Version: "v1", Sunset: noon.Add(-49 * time.Hour)},
		{API: "orders", Version: "v0", Deprecated: noon},
	}, noon)
	var texts []string
	for _, v := range got {
		texts = append(texts, fmt.Sprint(v.Version, " ", v.Ended, " ", v.Days))
	}
	if want := []string{"v1 true 2", "v2 false 1"}; !slices.Equal(texts, want) {
		t.Errorf("%v, want %v", texts, want)
	}
}

// TestBounded has a document stay within its bounds, show no secret, and leave what it was made of as it is.
func TestBounded(t *testing.T) {
	s := New("v2", noon)
	failed := &issuer.Failure{Detail: "asking https://user:hunter2@id.example/jwks?token=s3cret: refused"}
	s.Add(Issuer{Status: issuer.Status{Issuer: "https://id.example", Error: failed}}, Ledger{Ready: true}, nil)
	for i := range maxList + 5 {
		s.Add(Server{Upstream: "u", Host: fmt.Sprint(i)})
	}
	s.Counters = &Counters{Error: strings.Repeat("é", maxText)}
	s.Backlog([]Webhook{{Name: "a", Waiting: 2, Dead: 1}, {Name: "b", Waiting: 3}})
	shown := s.Bounded(func(text string) string { return strings.ReplaceAll(text, "refused", "REDACTED") })
	text, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "s3cret") || !strings.Contains(string(text), "asking https://id.example/jwks REDACTED") {
		t.Errorf("it shows %.2000s", text)
	}
	if len(shown.Upstreams) != maxList || shown.LeftOut["upstreams"] != 5 || len(shown.Counters.Error) > maxText+len("…") {
		t.Errorf("%d upstreams, %v left out, and a text of %d bytes", len(shown.Upstreams), shown.LeftOut, len(shown.Counters.Error))
	}
	if *shown.Ledger.Waiting != 5 || *shown.Ledger.Dead != 1 || !shown.Started.Equal(s.Started) {
		t.Errorf("%+v, %v", shown.Ledger, shown.Started)
	}
	if !strings.Contains(failed.Detail, "hunter2") || len(s.Upstreams) != maxList+5 {
		t.Error("what it was made of is changed")
	}
}
