package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// checked returns a plugin with the path that its version asks for, or says what is wrong with it.
func (p plugin) checked() (plugin, error) {
	if p.Path == "" {
		return p, errors.New("module_path is missing")
	}
	if err := module.CheckImportPath(p.Path); err != nil {
		return p, err
	}
	var err error
	p.Path, err = versioned(p.Path, p.Version)
	return p, err
}

// versioned returns a module's path with the major version that its version asks for: foo at v2.1.0 is foo/v2.
// What is no version (a branch, a commit, nothing) asks for none.
func versioned(modulePath, version string) (string, error) {
	if !semver.IsValid(version) {
		return modulePath, nil
	}
	_, major, ok := module.SplitPathVersion(modulePath)
	switch want := semver.Major(version); {
	case !ok:
		return "", fmt.Errorf("%s is no path of a module", modulePath)
	case major != "":
		return modulePath, module.CheckPathMajor(version, major)
	case want != "v0" && want != "v1" && semver.Build(version) != "+incompatible":
		return path.Join(modulePath, want), nil
	}
	return modulePath, nil
}

// unversioned is the version a go.mod requires of a module that is replaced whatever its version.
func unversioned(modulePath string) string {
	major := "v0"
	if _, suffix, ok := module.SplitPathVersion(modulePath); ok && suffix != "" && suffix != "/v1" {
		major = strings.TrimLeft(suffix, "/.")
	}
	return major + ".0.0-00010101000000-000000000000"
}

// local reports whether a replacement is a folder rather than another module.
func (r replacement) local() bool {
	return strings.HasPrefix(r.New, "./") || strings.HasPrefix(r.New, "../") || r.New == "." || r.New == ".." || filepath.IsAbs(r.New)
}

// check says what is wrong with a replacement whose folder, if it is one, is absolute.
func (r replacement) check() error {
	if r.Old == "" || r.New == "" {
		return errors.New("old and new must both be written")
	}
	oldPath, _ := splitVersion(r.Old)
	if err := module.CheckPath(oldPath); err != nil {
		return err
	}
	if r.local() {
		if _, err := os.Stat(filepath.Join(r.New, "go.mod")); err != nil {
			return fmt.Errorf("%s is no folder of a Go module: %w", r.New, err)
		}
		return nil
	}
	newPath, version := splitVersion(r.New)
	if version == "" {
		return fmt.Errorf("%s is neither a folder (./…) nor a module with its version (path@version)", r.New)
	}
	return module.CheckPath(newPath)
}

// splitVersion splits path@version, or path version, as replacements are written.
func splitVersion(s string) (modulePath, version string) {
	if at := strings.LastIndexAny(s, "@ "); at >= 0 {
		return s[:at], s[at+1:]
	}
	return s, ""
}

// within reports whether a package belongs to a module, going by the paths.
func within(packagePath, modulePath string) bool {
	return packagePath == modulePath || strings.HasPrefix(packagePath, modulePath+"/")
}
