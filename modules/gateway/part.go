package gateway

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/shadow"
)

// Part is something that lives on files and is swapped when they change: the catalogue, or a stage that stands alone
// in a Caddyfile.
type Part interface {
	// Load reads the part's files anew and checks them, noting in l what it read and every mistake it found. It
	// changes nothing that is in force; commit, which cannot fail, does, and is called only if no part of the load
	// has a mistake. A load that is not committed leaves nothing running.
	Load(l *Load) (commit func())
}

// Load is one reading of all files: what was read, and what was wrong with it.
type Load struct {
	Policies    *policy.Snapshot // nil where none are configured, or with Configured where they have mistakes
	Configured  bool             // policies are configured
	Files       []string         // all that was read or looked for, folders included
	Sources     map[string][]byte
	Diagnostics hcl.Diagnostics
	Credentials []string // header fields in which callers send credentials
	Parameters  []string // query parameters, likewise
	Told        []string // header fields in which services are told who calls
	Signed      []string // of those, the ones with tokens
	discard     []func()
	app         *App               // that loads
	runs        map[string]Running // that its parts asked for, by key

	plain     *policy.Snapshot // Policies, whose queries nobody compares with anything
	candidate *candidate       // for all of Policies; nil where none is tried out
	compared  *shadow.Set
}

// Read notes files that the load depends on, with their contents where a diagnostic may want to show a line of them.
func (l *Load) Read(files []string, sources map[string][]byte) {
	l.Files = append(l.Files, files...)
	if l.Sources == nil {
		l.Sources = make(map[string][]byte, len(sources))
	}
	maps.Copy(l.Sources, sources)
}

// OnDiscard has f called if the load is not committed.
func (l *Load) OnDiscard(f func()) { l.discard = append(l.discard, f) }

func (l *Load) undo() {
	for _, discard := range l.discard {
		discard()
	}
}

// warn logs what a load that is committed tells.
func (l *Load) warn(logger *zap.Logger) {
	for _, d := range l.Diagnostics {
		logger.Warn(diagnostic.Line(d))
	}
}

func (l *Load) failed() bool { return l.Diagnostics.HasErrors() }

func (l *Load) paths() []string {
	slices.Sort(l.Files)
	return slices.Compact(l.Files)
}
