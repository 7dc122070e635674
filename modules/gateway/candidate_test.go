package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
	"github.com/wicketgate/wicketgate/internal/shadow"
)

// TestBundleCandidate tries out a bundle beside the folder in force: it comes from its server like any other, and changes
// no answer.
func TestBundleCandidate(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	bundles := bundletest.NewServer(t)
	b := &bundled{bundles: bundles, server: prepare(t, func(s *server) {
		policies := fmt.Sprintf("policies %s/policies {", s.dir)
		s.caddyfile = strings.Replace(s.caddyfile, policies, fmt.Sprintf("%s\n\t\t\tshadow bundle %s {\n\t\t\t\tca %s\n\t\t\t\tpoll 1s\n\t\t\t}", policies, bundles.At(), bundles.CA(t)), 1)
	})}
	b.run()
	if a := b.get(); a.status != 200 {
		t.Fatalf("before there is a candidate: %d %s", a.status, a.body)
	}
	bundles.Serve(bundletest.Files{"orders.rego": "package shop.orders\n\nallow := false\n"}.Pack(t))
	b.within(20*time.Second, "the candidate denies", func() bool {
		if a := b.get(); a.status != 200 {
			t.Fatalf("beside a candidate: %d %s", a.status, a.body)
		}
		res, err := http.Get(fmt.Sprintf("http://localhost:%d/api_gateway/shadow", b.admin))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		var r shadow.Report
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		return len(r.Comparisons) == 1 && r.Comparisons[0].WouldDeny > 0 && r.Comparisons[0].Candidate == bundles.At()
	})
}
