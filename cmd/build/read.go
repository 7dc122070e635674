package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxFile bounds an xcaddy.json, in bytes.
const maxFile = 1 << 20

// readFile reads an xcaddy.json. Its error lists every mistake in the file, each with its place; folders named in
// the file come back absolute.
func readFile(name string) (builder, error) {
	info, err := os.Stat(name)
	if err != nil {
		return builder{}, err
	}
	if info.Size() > maxFile {
		return builder{}, fmt.Errorf("%s: larger than %d bytes", name, maxFile)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return builder{}, err
	}
	return read(name, text)
}

// read reads the text of an xcaddy.json called name.
func read(name string, text []byte) (builder, error) {
	r := &reader{name: name, text: text, decoder: json.NewDecoder(bytes.NewReader(text))}
	var b builder
	err := r.builder(&b)
	if err == nil && r.next() < len(text) {
		r.mistake(r.next(), "nothing may follow the object")
	}
	if broken := (*json.SyntaxError)(nil); errors.As(err, &broken) {
		// broken.Offset counts from different places, depending on the decoder's method
		r.mistake(r.next(), "%v", broken)
	} else if err != nil {
		r.mistake(len(text), "the file ends too early")
	}
	return b, errors.Join(r.mistakes...)
}

// reader walks the JSON value by value and notes what is wrong. Its methods return an error only where the JSON
// itself is broken, so that nothing after it can be read.
type reader struct {
	name     string
	text     []byte
	decoder  *json.Decoder
	mistakes []error
}

func (r *reader) builder(b *builder) error {
	seen := map[string]bool{}
	return r.object("the file", map[string]func(string) error{
		"caddy_version": r.string(&b.CaddyVersion),
		"plugins":       r.list(func(what string) error { return r.plugin(what, b, seen) }),
		"replacements":  r.list(func(what string) error { return r.replacement(what, b) }),
		"os":            r.string(&b.OS),
		"arch":          r.string(&b.Arch),
		"arm":           r.string(&b.ARM),
		"cgo":           r.bool(&b.Cgo),
		"timeout_get":   r.duration(&b.TimeoutGet),
		"timeout_build": r.duration(&b.TimeoutBuild),
		"race_detector": r.bool(&b.RaceDetector),
		"debug":         r.bool(&b.Debug),
		"build_flags":   r.flags(&b.BuildFlags),
		"mod_flags":     r.flags(&b.ModFlags),
		"pgo_profile":   r.file(&b.PgoProfile),
		"skip_build":    r.bool(&b.SkipBuild),
		"skip_cleanup":  r.bool(&b.SkipCleanup),
		"embed_dir": func(what string) error {
			r.mistake(r.next(), "%s is not supported by this version", what)
			return r.skip()
		},
	})
}

func (r *reader) plugin(what string, b *builder, seen map[string]bool) error {
	at, before := r.next(), len(r.mistakes)
	var p plugin
	if err := r.object(what, map[string]func(string) error{
		"module_path": r.string(&p.Path),
		"version":     r.string(&p.Version),
	}); err != nil || len(r.mistakes) > before {
		return err
	}
	p, err := p.checked()
	if err != nil {
		r.mistake(at, "%s: %v", what, err)
		return nil
	}
	if seen[p.Path] {
		r.mistake(at, "%s: the plugin %s is already in the list", what, p.Path)
	}
	seen[p.Path] = true
	b.Plugins = append(b.Plugins, p)
	return nil
}

func (r *reader) replacement(what string, b *builder) error {
	at, before := r.next(), len(r.mistakes)
	var p replacement
	if err := r.object(what, map[string]func(string) error{
		"old": r.string(&p.Old),
		"new": r.string(&p.New),
	}); err != nil || len(r.mistakes) > before {
		return err
	}
	if p.local() {
		p.New = r.absolute(p.New)
	}
	if err := p.check(); err != nil {
		r.mistake(at, "%s: %v", what, err)
	}
	b.Replacements = append(b.Replacements, p)
	return nil
}

// object reads an object whose members are known, each by the function that reads its value.
func (r *reader) object(what string, known map[string]func(what string) error) error {
	if !r.opens(what, '{', "an object") {
		return r.skip()
	}
	if _, err := r.decoder.Token(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for r.decoder.More() {
		at := r.next()
		token, err := r.decoder.Token()
		if err != nil {
			return err
		}
		name := token.(string) // a decoder lets no other key pass
		value := known[name]
		if value == nil {
			names := slices.Sorted(maps.Keys(known))
			r.mistake(at, "unknown field %q in %s; there are %s", name, what, strings.Join(names, ", "))
			value = func(string) error { return r.skip() }
		} else if seen[name] {
			r.mistake(at, "the field %q is given twice", name)
		}
		seen[name] = true
		if err := value(name); err != nil {
			return err
		}
	}
	_, err := r.decoder.Token()
	return err
}

// list reads an array, each element by the same function.
func (r *reader) list(element func(what string) error) func(string) error {
	return func(what string) error {
		if !r.opens(what, '[', "a list") {
			return r.skip()
		}
		if _, err := r.decoder.Token(); err != nil {
			return err
		}
		for i := 0; r.decoder.More(); i++ {
			if err := element(fmt.Sprintf("%s[%d]", what, i)); err != nil {
				return err
			}
		}
		_, err := r.decoder.Token()
		return err
	}
}

func (r *reader) opens(what string, bracket byte, expected string) bool {
	at := r.next()
	if at < len(r.text) && r.text[at] != bracket {
		r.mistake(at, "%s must be %s", what, expected)
		return false
	}
	return true
}

func (r *reader) string(into *string) func(string) error { return r.scalar(into, "a string") }

func (r *reader) bool(into *bool) func(string) error { return r.scalar(into, "true or false") }

func (r *reader) duration(into *time.Duration) func(string) error {
	read := r.scalar(into, "a whole number of nanoseconds")
	return func(what string) error {
		at := r.next()
		err := read(what)
		if *into < 0 {
			r.mistake(at, "%s must not be negative", what)
		}
		return err
	}
}

// flags reads a string that a shell could split.
func (r *reader) flags(into *string) func(string) error {
	read := r.string(into)
	return func(what string) error {
		at := r.next()
		err := read(what)
		if _, wrong := words(*into); wrong != nil {
			r.mistake(at, "%s: %v", what, wrong)
		}
		return err
	}
}

// file reads the name of a file that must be there.
func (r *reader) file(into *string) func(string) error {
	read := r.string(into)
	return func(what string) error {
		at := r.next()
		err := read(what)
		if *into != "" {
			*into = r.absolute(*into)
			if _, missing := os.Stat(*into); missing != nil {
				r.mistake(at, "%s: %v", what, missing)
			}
		}
		return err
	}
}

// scalar reads a value that is no object and no list. Null is none of them.
func (r *reader) scalar(into any, expected string) func(string) error {
	return func(what string) error {
		at := r.next()
		var value json.RawMessage
		if err := r.decoder.Decode(&value); err != nil {
			return err
		}
		if string(value) == "null" || json.Unmarshal(value, into) != nil {
			r.mistake(at, "%s must be %s", what, expected)
		}
		return nil
	}
}

func (r *reader) skip() error {
	var value json.RawMessage
	return r.decoder.Decode(&value)
}

// next returns the offset of the next key or value.
func (r *reader) next() int {
	at := int(r.decoder.InputOffset())
	for at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	return at
}

// mistake notes what is wrong at an offset of the text, as file:line:column; columns count characters from 1.
func (r *reader) mistake(at int, format string, args ...any) {
	before := r.text[:at]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	r.mistakes = append(r.mistakes, fmt.Errorf("%s:%d:%d: %s", r.name, line, column, fmt.Sprintf(format, args...)))
}

// absolute returns a path of the file as seen from anywhere.
func (r *reader) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	joined := filepath.Join(filepath.Dir(r.name), path)
	if whole, err := filepath.Abs(joined); err == nil {
		return whole
	}
	return joined // the working directory is gone; opening the path will say so
}
