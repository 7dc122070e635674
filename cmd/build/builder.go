package main

import "time"

// builder is what to build: the JSON form of xcaddy's own Builder
// (https://pkg.go.dev/github.com/caddyserver/xcaddy#Builder), with its names and meanings. xcaddy's embed_dir is
// not supported by this version.
type builder struct {
	CaddyVersion string // caddy_version: a version, branch or commit of Caddy; the checkout's own if empty
	Plugins      []plugin
	Replacements []replacement

	OS   string // os: GOOS of the binary; this machine's if empty
	Arch string // arch: GOARCH; this machine's if empty
	ARM  string // arm: GOARM; go's default if empty
	Cgo  bool   // cgo: off unless written

	TimeoutGet   time.Duration // timeout_get: of all downloads together, in nanoseconds; none if 0
	TimeoutBuild time.Duration // timeout_build: of everything, in nanoseconds; none if 0

	RaceDetector bool   // race_detector: go's, which turns cgo on
	Debug        bool   // debug: for a debugger, neither optimised nor stripped
	BuildFlags   string // build_flags: for go get and go build, split as a shell would; replaces -ldflags, -trimpath and -tags
	ModFlags     string // mod_flags: for go mod, split as a shell would
	PgoProfile   string // pgo_profile: a CPU profile, relative to the file that names it

	SkipBuild   bool // skip_build: stop when main.go and go.mod are ready
	SkipCleanup bool // skip_cleanup: leave the temporary folder, and say where it is
}

// plugin is a package to link into the binary.
type plugin struct {
	Path    string // module_path: the package's import path
	Version string // version: its module's version, branch or commit; the newest if empty
}

// String writes the plugin as go get takes it.
func (p plugin) String() string {
	if p.Version == "" {
		return p.Path
	}
	return p.Path + "@" + p.Version
}

// replacement says where a module comes from instead.
type replacement struct {
	Old string // old: the module's path, or path@version
	New string // new: a folder, relative to the file that names it, or another module's path@version
}
