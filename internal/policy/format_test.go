package policy

import (
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

func TestFormat(t *testing.T) {
	got, err := Format([]byte("package a\nallow   if {input.time==1 }\n"))
	if want := "package a\n\nallow if input.time == 1\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if _, err := Format([]byte("package a\n\nallow if {\n")); err == nil || !strings.Contains(err.Error(), "4:") {
		t.Errorf("got %v, want the line of the mistake", err)
	}
}

// A policy in Rego v0 becomes one in v1 that means the same.
func TestFormatMigrates(t *testing.T) {
	got, err := Format([]byte("package a\n\ndefault allow = false\n\nallow { not denied[\"x\"] }\n\ndenied[reason] { reason := input.parsed_path[_] }\n"))
	if want := "package a\n\ndefault allow := false\n\nallow if not denied.x\n\ndenied contains reason if reason := input.parsed_path[_]\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	f := files{"a.rego": string(got)}
	if p := f.prepare(t, "data.a.allow").Handle(&exchange.Exchange{Path: exchange.Path{Segments: []string{"x"}}}); p == nil {
		t.Error("what was denied is allowed")
	}
}
