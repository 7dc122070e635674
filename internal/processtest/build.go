// Package processtest builds the binary and runs it for tests, as an operator does: a process of its own, over real HTTPS
// on loopback, which can be stopped, killed and measured.
package processtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is the folder of the binary, once a test has asked for it.
var built struct {
	sync.Mutex
	folder string
}

// binaryVariable names one that is built already and is to be tested, such as that of a release.
const binaryVariable = "WICKETGATE_BINARY"

// Build builds the binary, called caddy, for the first test that asks for it, or gives the one that WICKETGATE_BINARY names.
func Build(t testing.TB) string {
	t.Helper()
	if path := os.Getenv(binaryVariable); path != "" {
		return path
	}
	built.Lock()
	defer built.Unlock()
	binary := filepath.Join(built.folder, "caddy")
	if built.folder != "" {
		return binary
	}
	folder, err := os.MkdirTemp("", "wicketgate-")
	if err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(folder, "caddy")
	// Built like the binary of xcaddy.json, so that what both need is compiled once.
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-tags", "nobadger,nomysql,nopgx", "-o", binary,
		"github.com/wicketgate/wicketgate/cmd/caddy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		os.RemoveAll(folder) //nolint:errcheck // nothing is in it
		t.Fatalf("building the binary: %v\n%s", err, out)
	}
	built.folder = folder
	return binary
}

// Remove removes the binary, if there is one. It is for the end of TestMain.
func Remove() { os.RemoveAll(built.folder) } //nolint:errcheck // it lies among what is temporary
