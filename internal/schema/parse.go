package schema

import (
	"io/fs"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
)

// Parse compiles a schema that refers to nothing but itself and the meta-schemas. name stands for its file in
// diagnostics; nothing is read.
func Parse(name string, text []byte) (*Schema, hcl.Diagnostics) {
	s, _, diags := Load(name, filepath.Dir(name), func(file string) ([]byte, error) {
		if file != filepath.Clean(name) {
			return nil, fs.ErrNotExist
		}
		return text, nil
	})
	return s, diags
}
