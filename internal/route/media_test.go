package route

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

func TestQuality(t *testing.T) {
	for s, want := range map[string]int{"0": 0, "1": 1000, "0.5": 500, "0.001": 1, "1.000": 1000, "0.": 0, "0.25": 250,
		"": -1, "1.001": -1, "2": -1, "0.0001": -1, "-1": -1, ".5": -1, "0,5": -1, "0.5x": -1, "01": -1, "1e0": -1} {
		got, ok := quality(s)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("quality(%q) = %d, %v, want %d", s, got, ok, want)
		}
	}
}

func FuzzQuality(f *testing.F) {
	f.Add("0.123")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := quality(s)
		if want, err := strconv.ParseFloat(s, 64); ok && (err != nil || int(want*1000+0.5) != got) {
			t.Errorf("quality(%q) = %d, a float is %v, %v", s, got, want, err)
		}
	})
}

// Reading Accept never fails where a caller's list is sound, and never finds a version that the text does not hold.
func FuzzAccept(f *testing.F) {
	for _, s := range []string{vnd1 + ";q=0.5, " + vnd2, `a/b;c="\",` + vnd1 + `"`, "*/*;q=.2", vnd1 + " ; Q=1", ",,;;", `"`, `\`} {
		f.Add(s)
	}
	config := orders()
	a, err := compile(&config)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		x := &exchange.Exchange{Header: http.Header{"Accept": {accept}}}
		r, p := a.readAccept(x)
		if p != nil {
			return
		}
		if r.n > 0 && !r.listed || r.n > maxCandidates {
			t.Errorf("%d candidates, listed %v", r.n, r.listed)
		}
		for _, c := range r.candidates[:r.n] {
			if c.quality < 1 || c.quality > 1000 {
				t.Errorf("quality %d", c.quality)
			}
		}
	})
}
