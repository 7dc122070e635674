package policy

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/storage"
)

func TestDataIsPlacedByItsFolder(t *testing.T) {
	snapshot := files{
		"a.rego":            "package shop.orders\n\nallow if true\n",
		"a_test.rego":       "package broken {",
		"data.json":         `{"top": 1}`,
		"shop/more.yaml":    "tax: 0.19\nroles:\n  clerk: [read]\n",
		"shop/roles/x.json": `{"manager": ["*"]}`,
		"list/x.yml":        "- 1\n- 2\n",
		".hidden/x.json":    `{"hidden": 1}`,
		"notes.txt":         "not loaded",
	}.load(t)
	got, err := snapshot.store.Read(context.Background(), snapshot.txn, storage.RootPath)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"list": [1, 2], "shop": {"roles": {"clerk": ["read"], "manager": ["*"]}, "tax": 0.19}, "top": 1}`
	if text := got.(interface{ String() string }).String(); text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

// symlink makes a symbolic link, which Windows allows only some users.
func symlink(t *testing.T, to, at string) {
	t.Helper()
	err := os.Symlink(to, at)
	if err != nil && runtime.GOOS == "windows" {
		t.Skipf("this user may not make symbolic links: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A mounted ConfigMap is links to files behind a hidden link to a hidden folder, swapped as one.
func TestMountedConfigMap(t *testing.T) {
	dir := files{"..2026_11_01/a.rego": "package a\n\nallow if true\n", "..2026_11_01/data.json": `{"n": 1}`}.write(t)
	for link, to := range map[string]string{"..data": "..2026_11_01", "a.rego": "..data/a.rego", "data.json": "..data/data.json"} {
		symlink(t, to, filepath.Join(dir, link))
	}
	snapshot, diags := Load(context.Background(), []string{dir}, Options{})
	if diags.HasErrors() || len(snapshot.compiler.Modules) != 1 || len(snapshot.sources) != 2 {
		t.Errorf("got %v, %v", snapshot, diags)
	}
}

func TestFoldersThatCannotBeLoaded(t *testing.T) {
	good := files{"a.rego": "package a\n\nallow if true\n"}
	loop := good.write(t)
	symlink(t, loop, filepath.Join(loop, "again"))
	dangling := good.write(t)
	symlink(t, "nowhere", filepath.Join(dangling, "b.rego"))
	folder := good.write(t)
	symlink(t, os.DevNull, filepath.Join(folder, "data.json"))
	large := good.write(t)
	if err := os.WriteFile(filepath.Join(large, "data.json"), make([]byte, maxFileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	many := files{}
	for i := range maxFiles {
		many[strings.Repeat("x", i%50)+"/"+strings.Repeat("y", i/50+1)+".json"] = "{}"
	}
	many["zz.rego"] = "package z\n\nallow if true\n"
	for _, c := range []struct {
		name, path, want string
	}{
		{"missing", filepath.Join(loop, "nothing"), "no such file or directory"},
		{"a loop of links", loop, "folders deep"},
		{"a link to nothing", dangling, "no such file or directory"},
		{"a device", folder, "not a regular file"},
		{"too large", large, "at most 8388608 bytes"},
		{"too many", many.write(t), "At most 2000"},
		{"a number no policy can compute with", files{"a.rego": good["a.rego"], "data.json": `{"n": 1e999999999}`}.write(t), "a number is out of the range"},
	} {
		snapshot, diags := Load(context.Background(), []string{c.path}, Options{})
		if snapshot != nil || !diags.HasErrors() || !strings.Contains(diags.Error(), c.want) || !strings.HasPrefix(diags[0].Subject.Filename, c.path) {
			t.Errorf("%s: got %v, want %s", c.name, diags, c.want)
		}
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, diags := Load(canceled, []string{good.write(t)}, Options{}); !diags.HasErrors() {
		t.Error("loaded although called off")
	}
	one := filepath.Join(good.write(t), "a.rego")
	if _, diags := Load(context.Background(), []string{one, one}, Options{}); diags.HasErrors() {
		t.Errorf("one file, named twice: %v", diags)
	}
}
