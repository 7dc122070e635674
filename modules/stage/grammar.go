package stage

import (
	"errors"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// Words reads the keywords of a block, each with its mistakes told by file and line.
type Words struct {
	of    string   // what the block belongs to, for messages
	known []string // all keywords there are
	later []string // those of the design that this version does not run
	given map[string]bool
}

// NewWords makes the words of a block that belongs to of.
func NewWords(of string, known, later []string) *Words {
	return &Words{of: of, known: known, later: later, given: map[string]bool{}}
}

// Take checks that the dispenser stands at a keyword that there is, and returns it.
func (w *Words) Take(d *caddyfile.Dispenser) (string, error) {
	word := d.Val()
	switch {
	case slices.Contains(w.known, word):
		return word, nil
	case slices.Contains(w.later, word):
		return "", d.Errf("%s: %s is not supported by this version", w.of, word)
	}
	if s := diagnostic.Suggest(word, append(slices.Clone(w.known), w.later...)); s != "" {
		return "", d.Errf("%s has no keyword %q; did you mean %s?", w.of, word, s)
	}
	return "", d.Errf("%s has no keyword %q; it takes %s", w.of, word, strings.Join(w.known, ", "))
}

// Once notes what may be given once: a keyword, or a keyword with what it is about.
func (w *Words) Once(d *caddyfile.Dispenser, what string) error {
	if w.given[what] {
		return d.Errf("%s: %s is given twice", w.of, what)
	}
	w.given[what] = true
	return nil
}

// Each reads the block that begins here, if one does: it has do go on behind the word of each line. Only the words named
// may be given again.
func (w *Words) Each(d *caddyfile.Dispenser, do func(word string) error, again ...string) error {
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, err := w.Take(d)
		if err == nil && !slices.Contains(again, word) {
			err = w.Once(d, word)
		}
		if err == nil {
			err = do(word)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Arguments reads what follows on the line, least to most words, none of them empty. usage is how the line is written.
func Arguments(d *caddyfile.Dispenser, least, most int, usage string) ([]string, error) {
	args := d.RemainingArgs()
	if len(args) < least || len(args) > most || slices.Contains(args, "") {
		return nil, d.Errf("expected: %s", usage)
	}
	return args, nil
}

// Certificates reads the line of one of the words by which servers and the gateway prove to each other who they are: ca <file>,
// and client_certificate <certificate> <key>.
func Certificates(d *caddyfile.Dispenser, word string, ca, certificate, key *string) error {
	if word == "ca" {
		args, err := Arguments(d, 1, 1, "ca <file>")
		if err == nil {
			*ca = Path(d, args[0])
		}
		return err
	}
	args, err := Arguments(d, 2, 2, "client_certificate <certificate> <key>")
	if err == nil {
		*certificate, *key = Path(d, args[0]), Path(d, args[1])
	}
	return err
}

// Size reads a bound in bytes: "64KiB".
func Size(d *caddyfile.Dispenser, text string) (int64, error) {
	const most = 1 << 30 // nobody wants a document of more than 1 GiB in memory
	n, err := humanize.ParseBytes(text)
	if err != nil || n == 0 || n > most {
		return 0, d.Errf("expected a size from 1B to 1GiB such as 64KiB, not %q", text)
	}
	return int64(n), nil
}

// Here is the line that the dispenser stands in, for diagnostics.
func Here(d *caddyfile.Dispenser) hcl.Range {
	at := hcl.Pos{Line: d.Line(), Column: 1}
	return hcl.Range{Filename: d.File(), Start: at, End: at}
}

// Mistake makes an error of diagnostics about what stands in the dispenser's line; nil if there is none among them.
func Mistake(d *caddyfile.Dispenser, of string, diags hcl.Diagnostics) error {
	var all []string
	for _, diag := range diags {
		if diag.Severity == hcl.DiagError {
			all = append(all, strings.TrimSuffix(strings.Join(strings.Fields(diag.Summary+": "+diag.Detail), " "), "."))
		}
	}
	if all == nil {
		return nil
	}
	return d.WrapErr(errors.New(of + ": " + strings.Join(all, "; ")))
}
