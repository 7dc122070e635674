package policy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/loader/filter"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/wicketgate/wicketgate/internal/archive"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/packed"
)

// parserOptions are how the policies of a bundle are parsed.
func parserOptions() ast.ParserOptions {
	return ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true, Capabilities: capabilities()}
}

// ReadBundle makes policies of the files of a bundle, once they are verified as verify says; nil is for bundles without a
// signature. The name is that of the archive, for diagnostics: name:path:line:column. It takes the files apart: the
// text of data is the snapshot's. All mistakes are reported at once.
func ReadBundle(ctx context.Context, name string, files []archive.File, verify *bundle.VerificationConfig, opts Options) (*Snapshot, hcl.Diagnostics) {
	if verify != nil {
		if err := archive.Verify(files, verify); err != nil {
			return nil, explain(name, files, err)
		}
	}
	return readFiles(ctx, name, files, verify != nil, opts)
}

// ReadTrustedBundle is ReadBundle for a bundle that an operator has put where it lies, as a folder of policies would be:
// signatures in it are not looked at.
func ReadTrustedBundle(ctx context.Context, name string, files []archive.File, opts Options) (*Snapshot, hcl.Diagnostics) {
	return readFiles(ctx, name, files, true, opts)
}

// readFiles compiles a bundle. OPA reads all of it but the data, and refuses signatures unless they have been seen to.
func readFiles(ctx context.Context, name string, files []archive.File, verified bool, opts Options) (*Snapshot, hcl.Diagnostics) {
	read, err := bundle.NewCustomReader(&withoutData{files: files}).
		WithRegoVersion(ast.RegoV1).
		WithProcessAnnotations(true).
		WithCapabilities(capabilities()).
		WithSkipBundleVerification(verified).
		Read()
	if err != nil {
		return nil, explain(name, files, err)
	}
	b := &read
	opts, diags := opts.checked()
	diags = append(diags, unfit(name, b)...)
	if diags.HasErrors() {
		return nil, diags
	}
	f := &folders{sources: sources{}, modules: map[string]*ast.Module{}}
	for i, m := range b.Modules {
		diags = append(diags, f.module(name, m.Path, m.Raw)...)
		b.Modules[i] = bundle.ModuleFile{}
	}
	if len(f.modules) == 0 && f.broken == 0 {
		diags = append(diags, fileDiagnostic(name, "No policies", "Expected at least one *.rego file in the bundle; without a policy every request would be denied."))
	}
	var more hcl.Diagnostics
	f.base, more = readBase(ctx, name, files, b.Manifest.Roots)
	diags = append(diags, more...)
	if f.base == nil { // compiled without its data, a policy would seem to fit
		return nil, diags
	}
	return f.snapshot(ctx, name, b.Manifest.Revision, opts, diags)
}

// withoutData gives OPA's reader the files of a bundle without its data, of which it would make maps.
type withoutData struct{ files []archive.File }

// NextFile implements bundle.DirectoryLoader.
func (l *withoutData) NextFile() (*bundle.Descriptor, error) {
	for len(l.files) > 0 {
		f := l.files[0]
		l.files = l.files[1:]
		if !isData(f.Name) {
			name := "/" + strings.TrimPrefix(f.Name, "/")
			return bundle.NewDescriptor(name, name, bytes.NewReader(f.Content)), nil
		}
	}
	return nil, io.EOF
}

// WithFilter implements bundle.DirectoryLoader.
func (l *withoutData) WithFilter(filter.LoaderFilter) bundle.DirectoryLoader { return l }

// WithPathFormat implements bundle.DirectoryLoader.
func (l *withoutData) WithPathFormat(bundle.PathFormat) bundle.DirectoryLoader { return l }

// WithSizeLimitBytes implements bundle.DirectoryLoader.
func (l *withoutData) WithSizeLimitBytes(int64) bundle.DirectoryLoader { return l }

// WithFollowSymlinks implements bundle.DirectoryLoader.
func (l *withoutData) WithFollowSymlinks(bool) bundle.DirectoryLoader { return l }

// isData says whether OPA takes a file of a bundle for data.
func isData(name string) bool { return path.Base(name) == "data.json" || bundle.IsYAMLDataFile(name) }

// explain makes diagnostics of the error with which a bundle was refused. OPA gives up at the first policy that does not
// parse; here all of them are told. Signatures are checked before anything is parsed.
func explain(name string, files []archive.File, err error) hcl.Diagnostics {
	if !errors.As(err, new(ast.Errors)) && !errors.As(err, new(*ast.Error)) {
		return hcl.Diagnostics{fileDiagnostic(name, "Bundle not taken", sentence(err.Error()))}
	}
	f := &folders{sources: sources{}, modules: map[string]*ast.Module{}}
	var diags hcl.Diagnostics
	for _, file := range files {
		if path.Ext(file.Name) == bundle.RegoExt {
			diags = append(diags, f.module(name, file.Name, file.Content)...)
		}
	}
	if len(diags) == 0 {
		return hcl.Diagnostics{fileDiagnostic(name, "Bundle not taken", sentence(err.Error()))}
	}
	_, more := compile(f)
	return append(diags, more...)
}

// unfit tells what this package does not take in a bundle.
func unfit(name string, b *bundle.Bundle) (diags hcl.Diagnostics) {
	refuse := func(summary, detail string, a ...any) {
		diags = append(diags, fileDiagnostic(name, summary, fmt.Sprintf(detail, a...)))
	}
	if b.Type() == bundle.DeltaBundleType {
		refuse("Delta bundle not taken", "A delta bundle cannot be signed, and changes what was; expected a bundle with all policies and data.")
	}
	if len(b.WasmModules) > 0 || len(b.Manifest.WasmResolvers) > 0 {
		refuse("Wasm not taken", "The bundle has policies compiled to Wasm, which are not run here; build it without -t wasm, from the same Rego.")
	}
	rego0 := func(version *int) bool { return version != nil && *version != ast.RegoV1.Int() }
	if rego0(b.Manifest.RegoVersion) {
		refuse("Old Rego not taken", "The manifest says rego_version %d; policies are Rego v1.", *b.Manifest.RegoVersion)
	}
	for _, file := range util.KeysSorted(b.Manifest.FileRegoVersions) {
		if version := b.Manifest.FileRegoVersions[file]; rego0(&version) {
			refuse("Old Rego not taken", "The manifest says rego_version %d of %s; policies are Rego v1.", version, file)
		}
	}
	return diags
}

// module parses one policy of a bundle, under the name that diagnostics show. Tests are left out, as in a folder.
func (f *folders) module(bundleName, file string, src []byte) hcl.Diagnostics {
	if !Loads(path.Base(file)) {
		return nil
	}
	name := inBundle(bundleName, file)
	f.sources[name] = src
	if len(src) > maxFileBytes {
		return hcl.Diagnostics{fileDiagnostic(name, "Policy too large", fmt.Sprintf("A policy may have at most %d bytes.", maxFileBytes))}
	}
	module, err := ast.ParseModuleWithOpts(name, string(src), parserOptions())
	if err != nil {
		f.broken++
		return f.sources.diagnostics(name, err)
	}
	f.modules[name] = module
	return nil
}

func inBundle(name, file string) string {
	return name + ":" + strings.TrimPrefix(path.Clean("/"+file), "/")
}

// readBase makes one of the data of a bundle, and takes its text from the files. There is none where there is a mistake.
// Nil roots claim everything.
func readBase(ctx context.Context, name string, files []archive.File, claimed *[]string) (*datum, hcl.Diagnostics) {
	var (
		diags hcl.Diagnostics
		root  branch
	)
	for i := range files {
		file, text, strict := path.Clean("/"+files[i].Name), files[i].Content, files[i].Strict
		files[i].Content = nil
		if !isData(file) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, hcl.Diagnostics{fileDiagnostic(name, "Loading was called off", err.Error()+".")}
		}
		value, d := readDocument(inBundle(name, file), text, strict)
		if d != nil {
			diags = append(diags, d)
			continue
		}
		at := root.at(names(path.Dir(file)))
		if at.file != "" {
			diags = append(diags, fileDiagnostic(inBundle(name, file), "Data given twice", "The same folder has data in "+at.file+"."))
			continue
		}
		at.value, at.file = datum{value: value}, inBundle(name, file)
		if at == &root && !at.value.isObject() {
			diags = append(diags, fileDiagnostic(at.file, "Data without names", "Data at the top of a bundle must be an object, whose members are found under data."))
		}
	}
	if diags.HasErrors() {
		return nil, diags
	}
	data, given, diags := root.merge(nil)
	if diags.HasErrors() {
		return nil, diags
	}
	if !given {
		data.value = packed.New([]byte("{}")).Root()
	}
	if claimed != nil {
		var roots [][]string
		for _, r := range *claimed {
			roots = append(roots, names(r))
		}
		if at := data.outside(roots, nil); at != nil {
			return nil, hcl.Diagnostics{fileDiagnostic(name, "Data outside of the bundle's roots",
				fmt.Sprintf("The bundle gives %s, but its manifest claims only the roots %s.", dataRef(at), strings.Join(*claimed, ", ")))}
		}
	}
	return &data, nil
}

// readDocument reads one data file. One that is strict JSON for sure is not checked again.
func readDocument(file string, src []byte, strict bool) (packed.Value, *hcl.Diagnostic) {
	if path.Ext(file) == ".json" {
		if !strict {
			if err := archive.Check(src); err != nil {
				return packed.Value{}, malformed(file, "JSON", src, err)
			}
		}
	} else {
		var content any
		err := readYAML(src, &content)
		if err == nil {
			src, err = json.Marshal(content)
		}
		if err != nil {
			return packed.Value{}, malformed(file, "YAML", src, err)
		}
	}
	if len(src) > packed.MaxText {
		return packed.Value{}, fileDiagnostic(file, "Data too large", fmt.Sprintf("A data file may have at most %d bytes.", packed.MaxText))
	}
	return packed.New(src).Root(), nil
}

// malformed says what is wrong with a data file whose text src is, at its place.
func malformed(file, kind string, src []byte, err error) *hcl.Diagnostic {
	text := sources{file: src}
	d := fileDiagnostic(file, "Data not well formed", fmt.Sprintf("Expected %s: %s.", kind, err))
	var strict *jsonspan.Error
	if errors.As(err, &strict) {
		at := position(src, min(strict.Offset, len(src)))
		d.Detail = sentence("Expected " + kind + ": " + strict.Detail)
		subject := text.rangeOf(&ast.Location{File: file, Row: at.Line, Col: at.Column})
		d.Subject = &subject
		return d
	}
	d.Subject = text.dataMistake(file, err)
	return d
}

// names are the parts of a slash-separated path.
func names(folder string) []string {
	return slices.DeleteFunc(strings.Split(folder, "/"), func(name string) bool { return name == "" })
}
