package command

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/policy"
)

// maxSource bounds a file that is formatted: 1 MiB, as much as a catalogue's file may have.
const maxSource = 1 << 20

func fmtCommand() *cobra.Command {
	var write bool
	cmd := &cobra.Command{
		Use:   "fmt [-w] [<files or folders>]",
		Short: "Formats catalogue and policies",
		Long: `
Lists the *.hcl and *.rego files that are not formatted, and exits 1 if there
are any; with -w it formats them instead. A folder stands for all such files
below it. Default: this folder.`,
		RunE: caddycmd.WrapCommandFuncForCobra(func(flags caddycmd.Flags) (int, error) {
			paths := flags.Args()
			if len(paths) == 0 {
				paths = []string{"."}
			}
			if err := format(os.Stdout, paths, write); err != nil {
				return caddy.ExitCodeFailedStartup, err
			}
			return caddy.ExitCodeSuccess, nil
		}),
	}
	cmd.Flags().BoolVarP(&write, "write", "w", false, "Write the formatted files in place of the old ones")
	return cmd
}

// format lists or mends what is not formatted below paths.
func format(w io.Writer, paths []string, write bool) error {
	unformatted := 0
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			changed, err := formatFile(path, write)
			if err != nil {
				return err
			}
			if changed {
				unformatted++
				_, err = fmt.Fprintln(w, path)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if unformatted > 0 && !write {
		return fmt.Errorf("%d files are not formatted; -w formats them", unformatted)
	}
	return nil
}

func formatFile(path string, write bool) (changed bool, err error) {
	var formatted func([]byte) ([]byte, error)
	switch filepath.Ext(path) {
	case ".hcl":
		formatted = func(src []byte) ([]byte, error) { return catalogue.Format(src), nil }
	case ".rego":
		formatted = policy.Format
	default:
		return false, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if info.Size() > maxSource {
		return false, fmt.Errorf("formatting %s: it has more than %d bytes", path, maxSource)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	out, err := formatted(src)
	if err != nil {
		return false, fmt.Errorf("formatting %s: %w", path, err)
	}
	if bytes.Equal(src, out) {
		return false, nil
	}
	if write {
		err = os.WriteFile(path, out, info.Mode().Perm())
	}
	return true, err
}
