package policy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/wicketgate/wicketgate/internal/signature"
)

// parserOptions are how the policies of a bundle are parsed.
func parserOptions() ast.ParserOptions {
	return ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true, Capabilities: capabilities()}
}

// ReadBundle reads a bundle from its archive, a gzip'd tar, and verifies it as verify says, before anything else is made
// of it; nil is for bundles without a signature. The archive has been bounded by whoever got it. The name is that of the
// archive, for diagnostics: name:path:line:column.
func ReadBundle(ctx context.Context, name string, archive []byte, verify *bundle.VerificationConfig, size int64, opts Options) (*Snapshot, hcl.Diagnostics) {
	reader := bundleReader(archive, size)
	if verify != nil {
		if err := signature.Verify(archive, size, verify); err != nil {
			return nil, ExplainBundle(name, archive, err)
		}
		reader = reader.WithSkipBundleVerification(true)
	}
	return fromReader(ctx, name, archive, reader, opts)
}

// ReadTrustedBundle is ReadBundle for an archive that an operator has put where it lies, as a folder of policies would
// be: signatures in it are not looked at.
func ReadTrustedBundle(ctx context.Context, name string, archive []byte, size int64, opts Options) (*Snapshot, hcl.Diagnostics) {
	return fromReader(ctx, name, archive, bundleReader(archive, size).WithSkipBundleVerification(true), opts)
}

func bundleReader(archive []byte, size int64) *bundle.Reader {
	return bundle.NewCustomReader(bundle.NewTarballLoaderWithBaseURL(bytes.NewReader(archive), "").WithSizeLimitBytes(size)).
		WithSizeLimitBytes(size).
		WithRegoVersion(ast.RegoV1).
		WithProcessAnnotations(true).
		WithCapabilities(capabilities()).
		WithLazyLoadingMode(true)
}

func fromReader(ctx context.Context, name string, archive []byte, reader *bundle.Reader, opts Options) (*Snapshot, hcl.Diagnostics) {
	read, err := reader.Read()
	if err != nil {
		return nil, ExplainBundle(name, archive, err)
	}
	return fromBundle(ctx, name, &read, opts)
}

// fromBundle compiles a bundle that OPA has read lazily. It takes the bundle apart: its data is let go as
// it is made into values, so that both are not in memory at once. All mistakes are reported at once.
func fromBundle(ctx context.Context, name string, b *bundle.Bundle, opts Options) (*Snapshot, hcl.Diagnostics) {
	opts, diags := opts.checked()
	diags = append(diags, unfit(name, b)...)
	if diags.HasErrors() {
		return nil, diags
	}
	sweep(b)
	f := &folders{sources: sources{}, modules: map[string]*ast.Module{}}
	for i, m := range b.Modules {
		diags = append(diags, f.module(name, m.Path, bytes.Clone(m.Raw))...)
		b.Modules[i] = bundle.ModuleFile{}
	}
	if len(f.modules) == 0 && f.broken == 0 {
		diags = append(diags, fileDiagnostic(name, "No policies", "Expected at least one *.rego file in the bundle; without a policy every request would be denied."))
	}
	var more hcl.Diagnostics
	f.tree, more = readTree(ctx, name, b)
	diags = append(diags, more...)
	if f.tree == nil { // compiled without its data, a policy would seem to fit
		return nil, diags
	}
	return f.snapshot(ctx, name, b.Manifest.Revision, opts, diags)
}

// largeData is from when on the data of a bundle is worth a collection of its own.
const largeData = 4 << 20

// sweep lets go of the copies that verifying and reading a bundle have left. Until the collector's own time, they would
// lie beside two sets of policies, the old and the new.
func sweep(b *bundle.Bundle) {
	size := 0
	for _, raw := range b.Raw {
		size += len(raw.Value)
	}
	if size >= largeData {
		runtime.GC()
	}
}

// ExplainBundle makes diagnostics of the error with which OPA refused a bundle. It gives up at the first policy that
// does not parse; here all of them are told. Signatures are checked before anything is parsed.
func ExplainBundle(name string, archive []byte, err error) hcl.Diagnostics {
	if !errors.As(err, new(ast.Errors)) && !errors.As(err, new(*ast.Error)) {
		return hcl.Diagnostics{fileDiagnostic(name, "Bundle not taken", sentence(err.Error()))}
	}
	f := &folders{sources: sources{}, modules: map[string]*ast.Module{}}
	var diags hcl.Diagnostics
	packed, unpackErr := gzip.NewReader(bytes.NewReader(archive))
	if unpackErr == nil {
		files := tar.NewReader(packed)
		for {
			header, err := files.Next()
			if err != nil {
				break // whoever got the archive has read it to its end
			}
			if header.Typeflag != tar.TypeReg || filepath.Ext(header.Name) != bundle.RegoExt {
				continue
			}
			if src, err := io.ReadAll(io.LimitReader(files, maxFileBytes)); err == nil {
				diags = append(diags, f.module(name, header.Name, src)...)
			}
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

// readTree makes the data of a bundle, and lets go of its text. There is no tree where there is a mistake.
func readTree(ctx context.Context, name string, b *bundle.Bundle) (ast.Object, hcl.Diagnostics) {
	var (
		diags hcl.Diagnostics
		root  branch
		made  tree
	)
	for i := range b.Raw {
		raw := b.Raw[i]
		b.Raw[i] = bundle.Raw{}
		file := path.Clean("/" + raw.Path)
		if path.Ext(file) == bundle.RegoExt {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, hcl.Diagnostics{fileDiagnostic(name, "Loading was called off", err.Error()+".")}
		}
		value, d := made.read(inBundle(name, file), raw.Value)
		if d != nil {
			diags = append(diags, d)
			continue
		}
		place := root.at(names(path.Dir(file)))
		if place.value != nil {
			diags = append(diags, fileDiagnostic(inBundle(name, file), "Data given twice", "The same folder has data in "+place.file+"."))
			continue
		}
		place.value, place.file = value, inBundle(name, file)
		if _, ok := value.Value.(ast.Object); !ok && place == &root {
			diags = append(diags, fileDiagnostic(place.file, "Data without names", "Data at the top of a bundle must be an object, whose members are found under data."))
		}
	}
	if diags.HasErrors() {
		return nil, diags
	}
	merged, diags := root.merge(nil)
	if diags.HasErrors() {
		return nil, diags
	}
	data := ast.NewObject()
	if merged != nil {
		data = merged.Value.(ast.Object)
	}
	if b.Manifest.Roots != nil {
		var roots [][]string
		for _, r := range *b.Manifest.Roots {
			roots = append(roots, names(r))
		}
		if at := outside(data, roots, nil); at != nil {
			return nil, hcl.Diagnostics{fileDiagnostic(name, "Data outside of the bundle's roots",
				fmt.Sprintf("The bundle gives %s, but its manifest claims only the roots %s.", dataRef(at), strings.Join(*b.Manifest.Roots, ", ")))}
		}
	}
	return data, nil
}

// read makes the value of one data file.
func (t *tree) read(file string, src []byte) (*ast.Term, *hcl.Diagnostic) {
	if path.Ext(file) == ".json" {
		term, err := t.parse(src)
		if err != nil {
			return nil, malformed(file, "JSON", src, err)
		}
		return term, nil
	}
	var content any
	if err := readYAML(src, &content); err != nil {
		return nil, malformed(file, "YAML", src, err)
	}
	value, err := ast.InterfaceToValue(content)
	if err != nil {
		return nil, malformed(file, "YAML", src, err)
	}
	return ast.NewTerm(value), nil
}

// names are the parts of a slash-separated path.
func names(folder string) []string {
	return slices.DeleteFunc(strings.Split(folder, "/"), func(name string) bool { return name == "" })
}
