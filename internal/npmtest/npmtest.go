// Package npmtest installs programs from npm that tests hold ours against, at versions that do not change below us.
package npmtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Install gives a folder in which a program is installed: one in the user's cache, made once, with all files of a folder,
// package-lock.json among them, whose versions npm ci takes. Where node or npm is missing the test is skipped, in CI it
// fails.
func Install(t testing.TB, name string, files fs.FS) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed", program)
		}
		t.Skipf("%s is not installed; .ci/needs installs it, and elsewhere https://nodejs.org does", program)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	contents := make(map[string][]byte)
	hash := sha256.New()
	for _, e := range entries {
		if contents[e.Name()], err = fs.ReadFile(files, e.Name()); err != nil {
			t.Fatal(err)
		}
		hash.Write(contents[e.Name()])
	}
	folder := filepath.Join(cache, "wicketgate", name+"-"+hex.EncodeToString(hash.Sum(nil)[:8]))
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		t.Fatal(err)
	}
	beside, err := os.MkdirTemp(filepath.Dir(folder), "new-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(beside) //nolint:errcheck // it is gone once all went well
	for name, text := range contents {
		if err := os.WriteFile(filepath.Join(beside, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir = beside
	if out, err := npm.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
		t.Skipf("what this test needs cannot be installed: npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(beside, folder); err != nil {
		if _, other := os.Stat(folder); other != nil { // another test run was faster
			t.Fatal(err)
		}
	}
	return folder
}
