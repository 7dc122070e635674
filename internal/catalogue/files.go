package catalogue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Bounds of what is read.
const (
	maxFile   = 1 << 20  // bytes of one file
	maxFiles  = 256      // files of one catalogue
	maxTotal  = 16 << 20 // bytes of all of them
	maxSecret = 64 << 10 // bytes of a secret's file
)

// find lists the files that the paths name, each once, and the folders and files whose change may change that list.
func find(paths []string) (files, watched []string, diags hcl.Diagnostics) {
	fail := func(summary, detail string) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail})
	}
	add := func(path string) {
		if path = filepath.Clean(path); !slices.Contains(files, path) && len(files) <= maxFiles {
			files = append(files, path)
		}
	}
	for _, path := range paths {
		if strings.ContainsAny(path, "*?[") {
			matches, err := filepath.Glob(path)
			if err != nil {
				fail("Invalid glob", fmt.Sprintf("%q is not a pattern of files: %v.", path, err))
				continue
			}
			watched = append(watched, globFolders(path)...)
			before := len(files)
			for _, match := range matches {
				if Loads(filepath.Base(match)) {
					add(match)
				}
			}
			if len(files) == before && !slices.ContainsFunc(matches, func(m string) bool { return Loads(filepath.Base(m)) }) {
				fail("No catalogue", fmt.Sprintf("No *.hcl file matches %q.", path))
			}
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			watched = append(watched, filepath.Clean(path))
			fail("No catalogue", fmt.Sprintf("%q cannot be read: %v.", path, reason(err)))
		case info.IsDir():
			watched = append(watched, filepath.Clean(path))
			entries, err := os.ReadDir(path)
			if err != nil {
				fail("No catalogue", fmt.Sprintf("The folder %q cannot be read: %v.", path, reason(err)))
				continue
			}
			found := false
			for _, e := range entries {
				if !e.IsDir() && Loads(e.Name()) {
					add(filepath.Join(path, e.Name()))
					found = true
				}
			}
			if !found {
				fail("No catalogue", fmt.Sprintf("The folder %q has no *.hcl file.", path))
			}
		default:
			add(path)
		}
	}
	if len(paths) == 0 {
		fail("No catalogue", "No file, folder or glob is named.")
	}
	if len(files) > maxFiles {
		fail("Too many files", fmt.Sprintf("A catalogue may have at most %d files.", maxFiles))
		files = files[:maxFiles]
	}
	return files, append(watched, files...), diags
}

// Loads says whether a file of this name that is found in a folder or by a glob belongs to the catalogue: hidden ones
// are editors', *.case.hcl are test cases.
func Loads(name string) bool {
	return strings.HasSuffix(name, ".hcl") && !strings.HasSuffix(name, caseEnding) && !strings.HasPrefix(name, ".")
}

// globFolders are the folders in which files that match a glob may appear.
func globFolders(pattern string) []string {
	folder := filepath.Dir(pattern)
	folders := []string{filepath.Clean(folder)}
	if strings.ContainsAny(folder, "*?[") {
		folders, _ = filepath.Glob(folder) // the pattern was found well formed
		folders = append(folders, globFolders(folder)...)
	}
	return folders
}

// read gives the content of a regular file of at most limit bytes. Anything but a regular file could block for ever.
func read(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, reason(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, reason(err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("it is larger than %d bytes", limit)
	}
	return b, nil
}

// reason is an error without the path, which the diagnostic names already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
