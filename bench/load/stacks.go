package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// stack is where a profile saw something, from the innermost function on, and how much of it in each of the profile's kinds.
type stack struct {
	frames []string
	values []int64
}

// tool runs one of Go's own tools on a file with some content, and gives what it prints.
func tool(content []byte, args ...string) ([]byte, error) {
	f, err := os.CreateTemp("", "load-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it lies among what is temporary
	_, err = f.Write(content)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	c := exec.CommandContext(context.Background(), "go", append(append([]string{"tool"}, args...), f.Name())...) //nolint:gosec // what is run is written here
	var wrong bytes.Buffer
	c.Stderr = &wrong
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go tool %s: %w: %s", args[0], err, wrong.Bytes())
	}
	return out, nil
}

// readProfile gives the stacks of a profile.
func readProfile(profile []byte) ([]stack, error) {
	raw, err := tool(profile, "pprof", "-raw", "-symbolize=none")
	if err != nil {
		return nil, err
	}
	return parseStacks(bytes.NewReader(raw))
}

var (
	reSample   = regexp.MustCompile(`^([\s\d-]+): ([\d ]*)$`)
	reLocation = regexp.MustCompile(`^\s*(?:(\d+): 0x[0-9a-f]+ (?:M=\d+ )?(?:\[F\] )?)?(?:(\S.*|) \S*:-?\d+:-?\d+ s=-?\d+\S*)?$`)
)

// parseStacks reads what go tool pprof -raw prints: samples, which name locations, and then those, each of which has the functions
// that were inlined there, too.
func parseStacks(raw io.Reader) ([]stack, error) {
	type sample struct {
		values []int64
		at     []string
	}
	var samples []sample
	functions, part, last := map[string][]string{}, "", ""
	lines := bufio.NewScanner(raw)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if name := strings.TrimSuffix(line, ":"); name == "Samples" || name == "Locations" || name == "Mappings" {
			part = name
			continue
		}
		switch part {
		case "Samples":
			m := reSample.FindStringSubmatch(line)
			if m == nil {
				continue // what the columns are called, and labels
			}
			s := sample{at: strings.Fields(m[2])}
			for _, field := range strings.Fields(m[1]) {
				n, err := strconv.ParseInt(field, 10, 64)
				if err != nil {
					return nil, err
				}
				s.values = append(s.values, n)
			}
			samples = append(samples, s)
		case "Locations":
			m := reLocation.FindStringSubmatch(line)
			if m == nil {
				return nil, fmt.Errorf("a location is not understood: %q", line)
			}
			if m[1] != "" {
				last = m[1]
			}
			if m[2] != "" {
				functions[last] = append(functions[last], m[2])
			}
		}
	}
	stacks := make([]stack, len(samples))
	for i, s := range samples {
		stacks[i].values = s.values
		for _, at := range s.at {
			stacks[i].frames = append(stacks[i].frames, functions[at]...)
		}
	}
	return stacks, lines.Err()
}

const own = "github.com/wicketgate/wicketgate/"

// packageOf gives the package of a function's full name.
func packageOf(function string) string {
	slash := strings.LastIndexByte(strings.SplitN(function, "[", 2)[0], '/') + 1
	name, _, _ := strings.Cut(function[slash:], ".")
	return function[:slash] + name
}

// collector are the functions below which garbage is collected, whoever has to help.
var collector = map[string]bool{"runtime.gcBgMarkWorker": true, "runtime.gcAssistAlloc": true, "runtime.bgsweep": true, "runtime.bgscavenge": true}

// place is whose a stack is: that of our innermost function, else that of the innermost one that tells something.
func (s stack) place() (function, pkg string) {
	for _, f := range s.frames {
		if collector[f] {
			return f, "garbage collection"
		}
	}
	for _, f := range s.frames {
		if strings.HasPrefix(f, own) {
			return strings.TrimPrefix(f, own), strings.TrimPrefix(packageOf(f), own)
		}
	}
	for _, f := range s.frames {
		switch pkg := packageOf(f); {
		case pkg == "crypto/tls", strings.HasPrefix(pkg, "net/http"), strings.Contains(pkg, "."): // somebody else's
			return f, pkg
		}
	}
	for _, f := range s.frames {
		if pkg := packageOf(f); pkg != "runtime" && !strings.HasPrefix(pkg, "internal/") && pkg != "sync" {
			return f, pkg
		}
	}
	if len(s.frames) == 0 { // in a trace, nobody of whom it is known who
		return "woken by the network or a timer", "unknown"
	}
	return s.frames[len(s.frames)-1], "runtime"
}

// calls says whether the system was called.
func (s stack) calls() bool {
	return len(s.frames) > 0 && (strings.HasPrefix(s.frames[0], "internal/runtime/syscall") || strings.HasPrefix(s.frames[0], "syscall."))
}
