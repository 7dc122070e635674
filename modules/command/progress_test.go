package command

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/ptytest"
	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// at has commands of this process run at a terminal.
func at(t *testing.T, terminal *os.File) {
	t.Helper()
	t.Setenv("TERM", "xterm")
	stderr := os.Stderr
	os.Stderr = terminal
	t.Cleanup(func() { os.Stderr = stderr })
}

// A command that waits for a slow gateway says so on a terminal, counts what it has done, and takes the line away
// before its answer.
func TestProgress(t *testing.T) {
	terminal := ptytest.Open(t, 80)
	at(t, terminal.File)
	slow := make(chan bool, 1) // one request waits until it is told that the terminal says so
	held := make(chan bool)
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-slow:
			<-held
		default:
		}
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusNoContent)
		case strings.HasPrefix(r.URL.Path, webhooksPath):
			json.NewEncoder(w).Encode(ledger.List{Last: 2, Events: []ledger.Entry{{Ref: "dead/1"}, {Ref: "dead/2"}}})
		default:
			io.WriteString(w, `{}`)
		}
	}))
	defer admin.Close()
	address := strings.TrimPrefix(admin.URL, "http://")

	for _, command := range []struct {
		says string
		run  func(w io.Writer) error
	}{
		{"asking the gateway, ", func(w io.Writer) error {
			_, err := askedUsage{running: running{address: address}, asCSV: true}.tell(w)
			return err
		}},
		{"replaying events, ", func(w io.Writer) error {
			return replayWebhooks(w, &asked{running: running{address: address}, state: "dead", all: true}, nil)
		}},
	} {
		slow <- true
		var out bytes.Buffer
		done := make(chan error, 1)
		go func() { done <- command.run(&out) }()
		terminal.Within(t, command.says, func(screen string) bool { return strings.HasPrefix(screen, command.says) })
		held <- true
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		terminal.Within(t, "the line is taken away", func(screen string) bool { return screen == "" })
		if out.Len() == 0 {
			t.Errorf("%s: there is no answer", command.says)
		}
	}
}

// What takes no second, and what runs in a pipe, says nothing.
func TestNoProgress(t *testing.T) {
	dir := t.TempDir()
	gatewaytest.Write(t, filepath.Join(dir, "Caddyfile"), "{\n\tapi_gateway {\n\t\tpolicies .\n\t}\n}\n")
	gatewaytest.Write(t, filepath.Join(dir, "p.rego"), "package p\n\nallow := true\n")
	gatewaytest.Write(t, filepath.Join(dir, "p_test.rego"), "package p_test\n\nimport data.p\n\ntest_allow if p.allow\n")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	at(t, w)
	options := testOptions{source: source{config: filepath.Join(dir, "Caddyfile")}, format: "text"}
	var out bytes.Buffer
	if _, err := options.once(t.Context(), &out, w); err != nil || !strings.Contains(out.String(), "1 passed") {
		t.Errorf("%v\n%s", err, out.String())
	}
	w.Close()
	if said, err := io.ReadAll(r); err != nil || len(said) > 0 {
		t.Errorf("in a pipe it says %q, %v", said, err)
	}
	if waiting("waiting") != nil {
		t.Error("a closed pipe is told")
	}
}
