package modules_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// TestShadowArchive tries out a bundle that lies in a file: one that is signed, a damaged one, and an unsigned one.
func TestShadowArchive(t *testing.T) {
	admin := gatewaytest.FreePort(t)
	next := bundletest.Files{"authz.rego": nextAuthz}
	g, _, dir := alone(t, map[string]string{
		"policies/authz.rego": liveAuthz,
		"next.tar.gz":         string(bundletest.NewKey(t).Sign(t, next).Pack(t)),
	}, `
	admin localhost:`+strconv.Itoa(admin)+`
	api_gateway {
		policies policies
		watch 10ms
	}`, `
	api_policy data.httpapi.authz {
		shadow next.tar.gz
	}
	{PROXY}`)
	a := asker{t, admin}
	path := filepath.Join(dir, "next.tar.gz")
	post := func() {
		t.Helper()
		is(t, "a request", g.Do("POST", "/", "", "X-Client: acme"), 200, "")
	}
	denied := func(n uint64) {
		t.Helper()
		g.Within(20*time.Second, "the candidate has been asked", func() bool { return a.report("data.httpapi.authz", path).WouldDeny == n })
	}
	post()
	denied(1)

	gatewaytest.Write(t, path, "no archive")
	g.Within(20*time.Second, "the mistake is told", func() bool {
		return strings.Contains(a.get("/api_gateway/status"), "The archive is of no use: it is not an archive")
	})
	post()
	gatewaytest.Write(t, path, string(next.Pack(t)))
	g.Within(20*time.Second, "it is mended", func() bool { return len(a.report("data.httpapi.authz", path).Mistakes) == 0 })
	post()
	denied(1) // counted anew
}
