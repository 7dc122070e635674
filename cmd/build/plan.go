package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

const caddyPath = "github.com/caddyserver/caddy/v2"

// checkout is the module this program runs in: what it requires seeds every build, so that the same list gives
// the same binary until the checkout changes.
type checkout struct {
	dir string
	mod *modfile.File
	sum []byte // go.sum
}

// openCheckout finds the module that a folder is in.
func openCheckout(dir string) (checkout, error) {
	for {
		name := filepath.Join(dir, "go.mod")
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
			dir = filepath.Dir(dir)
			continue
		}
		if err != nil {
			return checkout{}, fmt.Errorf("finding the checkout, whose go.mod seeds the build: %w", err)
		}
		mod, err := modfile.Parse(name, text, nil)
		if err != nil {
			return checkout{}, err
		}
		if mod.Module == nil || mod.Go == nil {
			return checkout{}, fmt.Errorf("%s: must say which module it is and which Go it wants", name)
		}
		sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
		return checkout{dir, mod, sum}, err
	}
}

// plan is a build worked out, before anything is written or run.
type plan struct {
	main  []byte
	mod   []byte            // go.mod
	links map[string]string // paths inside the build's folder to folders elsewhere
	gets  [][]string        // arguments of go, in turn: what the checkout's go.mod does not settle
	tidy  []string          // arguments of go
	build []string          // arguments of go, without the output's name
	env   []string          // what the go commands are told on top of the environment
	loose []string          // plugins of no version, for which the newest is taken
}

// plan works out what to build inside a checkout: xcaddy's main.go and go.mod, with the checkout's requirements.
func (b builder) plan(from checkout) (plan, error) {
	p := plan{links: map[string]string{}}
	mod, requires, err := seed(from)
	if err != nil {
		return plan{}, err
	}
	requires.direct(caddyPath, requires[caddyPath].version)
	caddy := plugin{caddyPath, requires[caddyPath].version}
	if b.CaddyVersion != "" && b.CaddyVersion != caddy.Version {
		caddy.Version = b.CaddyVersion
		p.gets = append(p.gets, []string{caddy.String()})
	}

	replacements := b.Replacements
	if own := from.mod.Module.Mod.Path; b.wantsCheckout(own) {
		replacements = append([]replacement{{Old: own, New: from.dir}}, replacements...)
	}
	for _, r := range replacements {
		if err := p.replace(mod, r); err != nil {
			return plan{}, err
		}
	}

	var packages []string
	for _, plug := range b.Plugins {
		packages = append(packages, plug.Path)
		if r, ok := replacing(replacements, plug.Path); ok {
			modulePath, version := splitVersion(r.Old)
			if version == "" {
				version = unversioned(modulePath)
			}
			requires.direct(modulePath, version)
		} else if !requires.settle(plug.Path, plug.Version) {
			if plug.Version == "" {
				p.loose = append(p.loose, plug.Path)
			}
			p.gets = append(p.gets, []string{plug.String(), caddy.String()}) // naming Caddy keeps it where it is
		}
	}

	if err := requires.write(mod); err != nil {
		return plan{}, err
	}
	if p.mod, err = mod.Format(); err != nil {
		return plan{}, fmt.Errorf("writing go.mod: %w", err)
	}
	p.main = mainFile(packages)
	return p, b.commands(&p)
}

// wantsCheckout reports whether the list has the checkout's own module as it stands: with no version and nothing
// in its place.
func (b builder) wantsCheckout(own string) bool {
	for _, plug := range b.Plugins {
		if within(plug.Path, own) && plug.Version == "" {
			_, replaced := replacing(b.Replacements, plug.Path)
			return !replaced
		}
	}
	return false
}

// replacing returns the replacement that a package comes from.
func replacing(all []replacement, packagePath string) (replacement, bool) {
	for _, r := range all {
		if modulePath, _ := splitVersion(r.Old); within(packagePath, modulePath) {
			return r, true
		}
	}
	return replacement{}, false
}

// replace adds a replacement to go.mod. A folder is linked into the build's own by a name made of the module's: a
// binary records that name, and is to be the same wherever the folder lies.
func (p *plan) replace(mod *modfile.File, r replacement) error {
	oldPath, oldVersion := splitVersion(r.Old)
	newPath, newVersion := splitVersion(r.New)
	if r.local() {
		// no path of a module has a =, so no two share a link, and no link lies inside another
		link := "modules/" + strings.ReplaceAll(oldPath, "/", "=")
		if p.links[link] != "" {
			return fmt.Errorf("replacing %s: it is replaced by a folder twice", r.Old)
		}
		p.links[link] = r.New
		newPath, newVersion = "./"+link, ""
	}
	if err := mod.AddReplace(oldPath, oldVersion, newPath, newVersion); err != nil {
		return fmt.Errorf("replacing %s: %w", r.Old, err)
	}
	return nil
}

// commands works out what go is told.
func (b builder) commands(p *plan) error {
	buildFlags, err := words(b.BuildFlags)
	if err != nil {
		return fmt.Errorf("reading build_flags: %w", err)
	}
	modFlags, err := words(b.ModFlags)
	if err != nil {
		return fmt.Errorf("reading mod_flags: %w", err)
	}
	for i, wanted := range p.gets {
		p.gets[i] = append(append([]string{"get", "-v"}, buildFlags...), wanted...)
	}
	p.tidy = append([]string{"mod", "tidy", "-e"}, modFlags...)
	p.build = append([]string{"build", "-buildvcs=false"}, buildFlags...)
	if b.PgoProfile != "" {
		p.build = append(p.build, "-pgo="+b.PgoProfile)
	}
	switch {
	case b.Debug:
		p.build = append(p.build, "-gcflags", "all=-N -l")
	case len(buildFlags) == 0:
		p.build = append(p.build, "-trimpath", "-ldflags", "-s -w", "-tags", "nobadger,nomysql,nopgx")
	}
	if b.RaceDetector {
		p.build = append(p.build, "-race")
	}

	cgo := "CGO_ENABLED=0"
	if b.Cgo || b.RaceDetector {
		cgo = "CGO_ENABLED=1"
	}
	// a go.work or GOFLAGS of the surroundings would change what is built
	p.env = []string{"GOFLAGS=", "GOWORK=off", cgo}
	for _, set := range [][2]string{{"GOOS", b.OS}, {"GOARCH", b.Arch}, {"GOARM", b.ARM}} {
		if set[1] != "" {
			p.env = append(p.env, set[0]+"="+set[1])
		}
	}
	return nil
}

// mainFile is Caddy's main with one blank import per plugin.
func mainFile(packages []string) []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "package main\n\nimport (\n\tcaddycmd %q\n\n\t_ %q\n", caddyPath+"/cmd", caddyPath+"/modules/standard")
	for _, p := range packages {
		fmt.Fprintf(&out, "\t_ %q\n", p)
	}
	out.WriteString(")\n\nfunc main() {\n\tcaddycmd.Main()\n}\n")
	return []byte(out.String())
}

// requirements are the modules a go.mod requires, by path.
type requirements map[string]requirement

type requirement struct {
	version string
	direct  bool
}

func (r requirements) direct(modulePath, version string) {
	r[modulePath] = requirement{version, true}
}

// settle reports whether a package's module is already required in the very version that is asked for, and makes
// it a direct requirement if so.
func (r requirements) settle(packagePath, version string) bool {
	for modulePath, has := range r {
		if within(packagePath, modulePath) && has.version == version {
			r.direct(modulePath, version)
			return true
		}
	}
	return false
}

// write writes the requirements into go.mod as go mod tidy does: the direct ones, then the others.
func (r requirements) write(mod *modfile.File) error {
	var all []*modfile.Require
	for modulePath, has := range r {
		if err := module.Check(modulePath, has.version); err != nil {
			return fmt.Errorf("requiring a module: %w", err)
		}
		all = append(all, &modfile.Require{Mod: module.Version{Path: modulePath, Version: has.version}, Indirect: !has.direct})
	}
	mod.SetRequireSeparateIndirect(all)
	mod.SortBlocks()
	mod.Cleanup()
	return nil
}

// seed starts the go.mod of a build: xcaddy's module name, and Go and the requirements as the checkout has them.
// None of those is direct yet, for the build's main imports none of them.
func seed(from checkout) (*modfile.File, requirements, error) {
	mod := new(modfile.File)
	if err := mod.AddModuleStmt("caddy"); err != nil {
		return nil, nil, fmt.Errorf("writing go.mod: %w", err)
	}
	if err := mod.AddGoStmt(from.mod.Go.Version); err != nil {
		return nil, nil, fmt.Errorf("writing go.mod: %w", err)
	}
	requires := requirements{}
	for _, r := range from.mod.Require {
		requires[r.Mod.Path] = requirement{version: r.Mod.Version}
	}
	if _, ok := requires[caddyPath]; !ok {
		return nil, nil, fmt.Errorf("%s does not require %s: run this in a checkout of the gateway", filepath.Join(from.dir, "go.mod"), caddyPath)
	}
	return mod, requires, nil
}
