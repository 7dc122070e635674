package wicketgate_test

import (
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkExplainRunning asks the admin API of a gateway in a process of its own, the example shop's, to explain a
// request; "command" is the whole of `caddy gateway explain` about the same, its start included, of the files and of the
// running gateway.
func BenchmarkExplainRunning(b *testing.B) {
	g := start(b, build(b), "Caddyfile")
	admin := "localhost:" + strconv.Itoa(g.admin)
	ask := func(b *testing.B) {
		const question = `{"url": "/api/v1/orders/acme-1001", "as": {"consumer": "acme"}, "text": true}`
		res, err := http.Post("http://"+admin+"/api_gateway/explain", "application/json", strings.NewReader(question))
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close()
		if told, err := io.ReadAll(res.Body); err != nil || !bytes.Contains(told, []byte("data.shop.orders allows")) {
			b.Fatalf("%v\n%s", err, told)
		}
	}
	began := time.Now()
	ask(b) // has the gateway make the twin that explains
	first := time.Since(began)
	b.Run("API", func(b *testing.B) {
		for b.Loop() {
			ask(b)
		}
		b.ReportMetric(float64(first), "ns/first")
	})
	command := func(b *testing.B, arguments ...string) {
		for b.Loop() {
			c := exec.Command(g.binary, append([]string{"gateway", "explain", "/api/v1/orders/acme-1001", "--as", "acme"}, arguments...)...)
			c.Env = g.env
			if out, err := c.Output(); err != nil || !bytes.Contains(out, []byte("data.shop.orders allows")) {
				b.Fatalf("%v\n%s", err, out)
			}
		}
	}
	b.Run("command of files", func(b *testing.B) { command(b) })
	b.Run("command of the running", func(b *testing.B) { command(b, "--address", admin) })
}
