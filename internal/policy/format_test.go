package policy

import (
	"strings"
	"testing"
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
