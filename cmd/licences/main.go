// Command licences writes the page that lists whose code is linked into the gateway, and under which licences:
//
//	go run ./cmd/licences >docs/licences.md
//
// It reads the licence files of every module that cmd/caddy links on Linux, macOS or Windows, in the folders of the linked
// packages and above them. A licence that it does not know, or that may not be linked, is an error.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	page, err := write()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.WriteString(page) //nolint:errcheck // nobody to tell
}

// systems are those whose code counts: what is linked differs from one to the other.
var systems = []string{"linux", "darwin", "windows"}

// tags are those that binaries are built with; they leave out databases that smallstep could keep certificates in.
const tags = "nobadger,nomysql,nopgx"

const head = `# Licences

<!-- Made by go test ./cmd/licences -update -->

The gateway is under the [Apache License 2.0](../LICENSE). Linked into its binary, on Linux, macOS or Windows, are these Go
modules, besides Go's own library (BSD-3-Clause). A test fails when one has a licence that is not among those below:
all of them let a binary be used, changed and passed on; MPL-2.0 wants changes of its files published. The console's page
holds two libraries of JavaScript, whose licences go [with it](../modules/console/dist/licenses.txt).

`

// module is one that is linked.
type module struct {
	path, version string
	licences      map[string]bool // SPDX identifiers
}

// write writes the page.
func write() (string, error) {
	all := map[string]*module{}
	var failed []error
	for _, system := range systems {
		failed = append(failed, linked(system, all))
	}
	if err := errors.Join(failed...); err != nil {
		return "", err
	}
	var out strings.Builder
	out.WriteString(head)
	out.WriteString("| module | version | licence |\n|---|---|---|\n")
	counts := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		m := all[path]
		licences := slices.Sorted(maps.Keys(m.licences))
		for _, l := range licences {
			counts[l]++
		}
		fmt.Fprintf(&out, "| %s | %s | %s |\n", m.path, m.version, strings.Join(licences, ", "))
	}
	out.WriteString("\n| licence | modules |\n|---|---|\n")
	for _, l := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&out, "| %s | %d |\n", l, counts[l])
	}
	return out.String(), nil
}

// listed is what the go command tells of a package.
type listed struct {
	Dir      string
	Standard bool
	Module   *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// linked adds the modules that are linked on a system.
func linked(system string, all map[string]*module) error {
	list := exec.Command("go", "list", "-deps", "-json=Dir,Standard,Module", "-tags", tags, "github.com/wicketgate/wicketgate/cmd/caddy")
	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	list.Stderr = &stderr
	text, err := list.Output()
	if err != nil {
		return fmt.Errorf("listing packages: %w\n%s", err, stderr.Bytes())
	}
	var failed []error
	for packages := json.NewDecoder(bytes.NewReader(text)); ; {
		var p listed
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return errors.Join(failed...)
		} else if err != nil {
			return fmt.Errorf("listing packages: %w", err)
		}
		if p.Standard || p.Module == nil || p.Module.Main {
			continue
		}
		m := all[p.Module.Path]
		if m == nil {
			m = &module{path: p.Module.Path, version: p.Module.Version, licences: map[string]bool{}}
			all[m.path] = m
		}
		found, err := licences(p.Dir, p.Module.Dir)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", m.path, err))
		}
		for _, l := range found {
			m.licences[l] = true
		}
	}
}

// names are those of files with licences.
var names = regexp.MustCompile(`(?i)^(un)?(licen[sc]e|copying)([.-].*)?$`)

// licences reads the files in a package's folder and those above it, to its module's.
func licences(dir, root string) ([]string, error) {
	var found []string
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !names.MatchString(e.Name()) || e.IsDir() || slices.Contains([]string{".go", ".docs"}, filepath.Ext(e.Name())) { // .docs: of the documentation
				continue
			}
			text, err := fs.ReadFile(os.DirFS(dir), e.Name())
			if err != nil {
				return nil, err
			}
			all := identify(string(text))
			if len(all) == 0 {
				return nil, fmt.Errorf("%s is no licence that is known, or none under which code may be linked", filepath.Join(dir, e.Name()))
			}
			found = append(found, all...)
		}
		if dir == root || len(dir) <= len(root) {
			break
		}
		dir = filepath.Dir(dir)
	}
	if len(found) == 0 {
		return nil, errors.New("there is no licence")
	}
	return found, nil
}

// known are the licences under which code may be linked, by sentences that only they have.
var known = []struct {
	id   string
	has  string
	not  string
	more string
}{
	{id: "Apache-2.0", has: "apache license", more: "version 2.0"},
	{id: "MPL-2.0", has: "mozilla public license", more: "version 2.0"},
	{id: "MIT", has: "permission is hereby granted, free of charge, to any person obtaining a copy"},
	{id: "BSD-3-Clause", has: "redistribution and use in source and binary forms", more: "may be used to endorse or promote"},
	{id: "BSD-2-Clause", has: "redistribution and use in source and binary forms", not: "may be used to endorse or promote"},
	{id: "ISC", has: "permission to use, copy, modify, and/or distribute this software for any purpose"},
	{id: "ISC", has: "permission to use, copy, modify, and distribute this software for any purpose"},
	{id: "CC0-1.0", has: "cc0 1.0 universal"},
	{id: "Unlicense", has: "free and unencumbered software released into the public domain"},
}

// refused are words of licences that ask more of a binary than this one's users agreed to.
var refused = []string{"gnu general public license", "gnu affero", "gnu lesser general public", "server side public license", "business source license", "commons clause", "elastic license"}

// identify gives the SPDX identifiers of the licences that a file holds, none if one of them may not be linked.
func identify(text string) []string {
	text = strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(text, "*", " "))), " ")
	var found []string
	for _, k := range known {
		if strings.Contains(text, k.has) && strings.Contains(text, k.more) && (k.not == "" || !strings.Contains(text, k.not)) && !slices.Contains(found, k.id) {
			found = append(found, k.id)
		}
	}
	for _, words := range refused {
		// Mozilla's names the GNU licences as those that its files may be combined with.
		if strings.Contains(text, words) && !slices.Contains(found, "MPL-2.0") {
			return nil
		}
	}
	return found
}
