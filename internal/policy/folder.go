package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/wicketgate/wicketgate/internal/archive"
)

// What one snapshot may be made of. Policies of thousands of rules stay far below; a folder named by mistake does not.
const (
	maxFiles     = 2000     // policies and data together
	maxFileBytes = 8 << 20  // in one file
	maxAllBytes  = 32 << 20 // in all files together
	maxFolders   = 32       // below each other; also ends a loop of symbolic links
)

// sources are the texts of the policies and data, by file name, for the places in diagnostics.
type sources map[string][]byte

// dataFile is one data file and where its content belongs.
type dataFile struct {
	file    string
	under   []string // the folders from the root of the loaded path to the file
	content any
}

// folders is what was found on disk.
type folders struct {
	sources   sources
	modules   map[string]*ast.Module // by file name; those that parse
	broken    int                    // how many policies do not
	documents []dataFile
	data      map[string]any // the documents, merged
	base      *datum         // in place of data, where a bundle gave it; nil once there is a store of it
	bytes     int64
	tests     bool     // *_test.rego are read too
	allowed   []string // built-in functions that are refused otherwise
}

func readFolders(ctx context.Context, paths []string, tests bool) (*folders, hcl.Diagnostics) {
	f := &folders{sources: sources{}, modules: map[string]*ast.Module{}, data: map[string]any{}, tests: tests}
	var diags hcl.Diagnostics
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			diags = append(diags, unreadable(path, err))
		case info.IsDir():
			diags = append(diags, f.walk(ctx, path, nil)...)
		default:
			diags = append(diags, f.read(path, nil)...)
		}
	}
	if len(f.modules) == 0 && f.broken == 0 && !diags.HasErrors() {
		name := strings.Join(paths, ", ")
		diags = append(diags, fileDiagnostic(name, "No policies", "Expected at least one *.rego file here; without a policy every request would be denied."))
	}
	return f, append(diags, f.merge()...)
}

// walk reads a folder. Hidden entries are skipped, as OPA's own command does: a mounted Kubernetes ConfigMap holds
// each file twice, the second time below a hidden folder.
func (f *folders) walk(ctx context.Context, folder string, under []string) hcl.Diagnostics {
	if err := ctx.Err(); err != nil {
		return hcl.Diagnostics{fileDiagnostic(folder, "Loading was called off", err.Error()+".")}
	}
	if len(under) > maxFolders {
		return hcl.Diagnostics{fileDiagnostic(folder, "Folders too deep", fmt.Sprintf("Policies may lie at most %d folders deep; is there a loop of symbolic links?", maxFolders))}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return hcl.Diagnostics{unreadable(folder, err)}
	}
	var diags hcl.Diagnostics
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		path := filepath.Join(folder, name)
		info, err := os.Stat(path) // follows links
		switch {
		case err != nil:
			diags = append(diags, unreadable(path, err))
		case info.IsDir():
			diags = append(diags, f.walk(ctx, path, append(slices.Clip(under), name))...)
		case !Loads(name) && !(f.tests && IsTest(name)):
		case !info.Mode().IsRegular(): // a pipe would never end
			diags = append(diags, unreadable(path, errors.New("it is not a regular file")))
		default:
			diags = append(diags, f.read(path, under)...)
		}
		if len(f.sources) > maxFiles || f.bytes > maxAllBytes {
			return diags // said by read
		}
	}
	return diags
}

// Loads says whether a file of this name is part of the policies: a policy that is no test, or data.
func Loads(name string) bool {
	switch filepath.Ext(name) {
	case ".rego":
		return !IsTest(name)
	case ".json", ".yaml", ".yml":
		return true
	}
	return false
}

// IsTest says whether a file of this name holds tests of policies.
func IsTest(name string) bool { return strings.HasSuffix(name, "_test.rego") }

func (f *folders) read(path string, under []string) hcl.Diagnostics {
	src, err := readFile(path)
	if err != nil {
		return hcl.Diagnostics{unreadable(path, err)}
	}
	return f.add(path, under, src)
}

func (f *folders) add(path string, under []string, src []byte) hcl.Diagnostics {
	if _, again := f.sources[path]; again {
		return nil // named twice
	}
	f.sources[path] = src
	f.bytes += int64(len(src))
	switch {
	case len(f.sources) > maxFiles:
		return hcl.Diagnostics{fileDiagnostic(path, "Too many files", fmt.Sprintf("At most %d policies and data files are loaded.", maxFiles))}
	case f.bytes > maxAllBytes:
		return hcl.Diagnostics{fileDiagnostic(path, "Too much to load", fmt.Sprintf("Policies and data may have at most %d bytes together.", maxAllBytes))}
	}
	if filepath.Ext(path) != ".rego" {
		return f.readData(path, under, src)
	}
	module, err := ast.ParseModuleWithOpts(path, string(src), ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
	if err != nil {
		f.broken++
		return f.sources.diagnostics(path, err)
	}
	f.modules[path] = module
	return nil
}

func (f *folders) readData(path string, under []string, src []byte) hcl.Diagnostics {
	var content any
	if filepath.Ext(path) == ".json" {
		err := archive.Check(src)
		if err == nil {
			err = util.UnmarshalJSON(src, &content)
		}
		if err != nil {
			return hcl.Diagnostics{malformed(path, "JSON", src, err)}
		}
	} else if err := readYAML(src, &content); err != nil {
		return hcl.Diagnostics{malformed(path, "YAML", src, err)}
	}
	if _, ok := content.(map[string]any); !ok && len(under) == 0 {
		return hcl.Diagnostics{fileDiagnostic(path, "Data without names", "Data at the top of the policies folder must be an object, whose members are found under data.")}
	}
	f.documents = append(f.documents, dataFile{path, under, content})
	return nil
}

// readFile reads at most maxFileBytes, so that a named device cannot fill the memory.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	src, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(src) > maxFileBytes {
		return nil, fmt.Errorf("a file may have at most %d bytes", maxFileBytes)
	}
	return src, nil
}

// merge puts each document at its place; two that give the same name different values are a mistake.
func (f *folders) merge() hcl.Diagnostics {
	var diags hcl.Diagnostics
	for i, doc := range f.documents {
		content := doc.content
		for _, name := range slices.Backward(doc.under) {
			content = map[string]any{name: content}
		}
		object := content.(map[string]any)
		f.documents[i].content = object
		if at := clash(f.data, object, nil); at != nil {
			diags = append(diags, fileDiagnostic(doc.file, "Data given twice",
				fmt.Sprintf("%s is already given by %s.", dataRef(at), f.giver(i, at))))
			continue
		}
		mergeInto(f.data, object)
	}
	return diags
}

// giver finds the document before the i-th that has something at a path of names.
func (f *folders) giver(i int, at []string) string {
	for _, doc := range f.documents[:i] {
		value, found := doc.content, true
		for _, name := range at {
			object, ok := value.(map[string]any)
			if !ok {
				break // its value lies on the path: that is the clash
			}
			if value, found = object[name]; !found {
				break
			}
		}
		if found {
			return doc.file
		}
	}
	return "another file"
}

// clash finds the first path of names at which both a and b have a value that is not an object in both.
func clash(a, b map[string]any, at []string) []string {
	for _, name := range util.KeysSorted(b) {
		old, ok := a[name]
		if !ok {
			continue
		}
		here := append(slices.Clip(at), name)
		oldObject, ok1 := old.(map[string]any)
		newObject, ok2 := b[name].(map[string]any)
		if !ok1 || !ok2 {
			return here
		}
		if deeper := clash(oldObject, newObject, here); deeper != nil {
			return deeper
		}
	}
	return nil
}

// mergeInto adds src, known not to clash, to dst. It copies objects where it writes, so that documents keep their own.
func mergeInto(dst, src map[string]any) {
	for name, value := range src {
		object, ok := value.(map[string]any)
		if !ok {
			dst[name] = value
			continue
		}
		inner, ok := dst[name].(map[string]any)
		if !ok {
			inner = make(map[string]any, len(object))
			dst[name] = inner
		}
		mergeInto(inner, object)
	}
}

// dataRef spells a path of names as Rego does.
func dataRef(names []string) string {
	ref := ast.Ref{ast.DefaultRootDocument}
	for _, name := range names {
		ref = append(ref, ast.StringTerm(name))
	}
	return ref.String()
}

func unreadable(path string, err error) *hcl.Diagnostic {
	var perr *os.PathError
	if errors.As(err, &perr) {
		err = perr.Err
	}
	return fileDiagnostic(path, "Cannot read "+filepath.Base(path), err.Error()+".")
}
