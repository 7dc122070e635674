package schema

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// scheme names the files of the folder to the compiler, so that no reference can spell a path of the machine.
const scheme = "catalogue"

// folder loads the files that a schema refers to, and nothing else: neither file: nor http: references.
type folder struct {
	root    string
	read    func(string) ([]byte, error)
	files   []string          // read or looked for, in that order
	sources map[string]source // by URL
}

// source is a file as it was read.
type source struct {
	path string
	text []byte
	doc  any
}

var (
	errElsewhere = errors.New("a schema may refer to files in its own folder only, not to addresses")
	errTooMany   = fmt.Errorf("a schema may refer to at most %d files", maxFiles)
	errTooLarge  = errors.New("a schema file may have at most 1 MiB")
)

// url gives the file a URL; it must lie in the folder.
func (f *folder) url(file string) (string, error) {
	rel, err := filepath.Rel(f.root, file)
	if err != nil || !filepath.IsLocal(rel) {
		return "", errElsewhere
	}
	return (&url.URL{Scheme: scheme, Path: "/" + filepath.ToSlash(rel)}).String(), nil
}

// Load implements jsonschema.URLLoader.
func (f *folder) Load(at string) (any, error) {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != scheme || u.Host != "" || u.RawQuery != "" {
		return nil, errElsewhere
	}
	rel := filepath.FromSlash(strings.TrimPrefix(u.Path, "/"))
	if !filepath.IsLocal(rel) {
		return nil, errElsewhere
	}
	if len(f.files) >= maxFiles {
		return nil, errTooMany
	}
	path := filepath.Join(f.root, rel)
	f.files = append(f.files, path)
	text, err := f.read(path)
	if err != nil {
		return nil, &readError{err}
	}
	f.sources[at] = source{path: path, text: text}
	if len(text) > maxFile {
		return nil, &sourceError{at, 0, errTooLarge}
	}
	if err := jsonspan.Check(text, jsonspan.Bounds{}); err != nil {
		var mistake *jsonspan.Error
		if errors.As(err, &mistake) {
			return nil, &sourceError{at, mistake.Offset, errors.New(mistake.Detail)}
		}
		return nil, err
	}
	if raw, ok := jsonspan.Get(text, "$schema"); ok && !jsonspan.Is(raw, dialect) && !jsonspan.Is(raw, dialect+"#") {
		return nil, &dialectError{at}
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	f.sources[at] = source{path, text, doc}
	return doc, err
}

// readError is a file that cannot be read.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

// sourceError is a mistake at a byte of a file.
type sourceError struct {
	url    string
	offset int
	error
}

// dialectError is a schema in another version of JSON Schema.
type dialectError struct{ url string }

func (e *dialectError) Error() string { return "expected JSON Schema 2020-12" }
