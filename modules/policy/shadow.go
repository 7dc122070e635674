package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/watch"
	"github.com/wicketgate/wicketgate/modules/gateway"
	"github.com/wicketgate/wicketgate/modules/stage"
)

// tried is a source of policies that are tried out beside another's.
type tried struct{ source gateway.PolicySource }

// errNested ends a configuration that would try out policies beside such as are tried out.
var errNested = errors.New("policies that are tried out have no shadow of their own")

// parseShadow reads where policies come from that are tried out beside others.
func parseShadow(d *caddyfile.Dispenser) (json.RawMessage, error) {
	begin := *d // the line of the word
	raw, err := gateway.ParsePolicies(d)
	if err != nil {
		return nil, err
	}
	var config struct {
		Shadow json.RawMessage `json:"shadow"`
	}
	if err := json.Unmarshal(raw, &config); err != nil || config.Shadow != nil {
		return nil, begin.WrapErr(errNested)
	}
	return raw, nil
}

// set takes a guest module as the source.
func (t *tried) set(guest any) error {
	source, ok := guest.(gateway.PolicySource)
	if !ok {
		return fmt.Errorf("%T is no source of policies", guest)
	}
	if more, ok := guest.(gateway.Candidate); ok {
		if next, _ := more.Candidate(); next != nil {
			return errNested
		}
	}
	if b, ok := guest.(*Bundle); ok {
		b.beside = true
	}
	t.source = source
	return nil
}

// called is what the source is called in reports.
func (t *tried) called() string {
	if named, ok := t.source.(fmt.Stringer); ok {
		return named.String()
	}
	return "candidate"
}

// Shadow is a candidate for the query of one api_policy: another query of the same policies, or the same query of other
// policies. One of both.
type Shadow struct {
	// A package or rule of the policies in force: "data.httpapi.next".
	Query string `json:"query,omitempty"`

	// A folder with policies, or a bundle (*.tar.gz), of which the same query is asked. A bundle is bounded by 64 MiB, and
	// by 256 MiB unpacked.
	Path string `json:"path,omitempty"`

	// A hash of its files, which the Caddyfile adapter writes so that a reload of Caddy sees a change of theirs;
	// it says nothing to the gateway. Default: none.
	FilesHash string `json:"files_hash,omitempty"`

	source gateway.PolicySource // of Path
}

func (s *Shadow) provision() error {
	switch {
	case (s.Query == "") == (s.Path == ""):
		return errors.New("shadow: either a query or a path is needed")
	case isArchive(s.Path):
		s.source = &archive{path: s.Path}
	case s.Path != "":
		s.source = &Folder{Paths: []string{s.Path}}
	}
	return nil
}

// compare has a live query compared with the candidate, and gives the query that is to be asked.
func (s *Shadow) compare(ctx context.Context, l *gateway.Load, live *policy.Query) *policy.Query {
	if s.Query != "" {
		next, mistakes := l.Ask(s.Query, placeOf(s.Query))
		return l.Compare(live, next, s.Query, mistakes)
	}
	snapshot, files, sources, mistakes := s.source.Load(ctx)
	l.Read(files, sources)
	var next *policy.Query
	if !mistakes.HasErrors() {
		var more hcl.Diagnostics
		next, more = snapshot.Prepare(live.Asks(), hcl.Range{Filename: s.Path, Start: hcl.InitialPos, End: hcl.InitialPos})
		mistakes = append(mistakes, more...)
	}
	return l.Compare(live, next, s.Path, mistakes)
}

// shadowOf reads what a Caddyfile calls a candidate: a query, which begins with data, or a path.
func shadowOf(d *caddyfile.Dispenser, word string) *Shadow {
	if strings.HasPrefix(word, "data.") {
		return &Shadow{Query: word}
	}
	path := stage.Path(d, word)
	counts := policy.Loads
	if isArchive(path) {
		counts = isArchive
	}
	return &Shadow{Path: path, FilesHash: watch.Hash([]string{path}, counts)}
}
