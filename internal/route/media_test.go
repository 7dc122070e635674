package route

import (
	"net/http"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

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
		var r accepted
		if p := a.readAccept(x, &r); p != nil {
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
