package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
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
below it. Default: this folder. Policies in Rego v0 become v1 by it.`,
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
		formatted = formatHCL
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
		err = replace(path, out, info.Mode().Perm())
	}
	return true, err
}

// formatHCL formats a catalogue's file, unless it is broken: then where a line belongs is anybody's guess.
func formatHCL(src []byte) ([]byte, error) {
	if _, diags := hclsyntax.ParseConfig(src, "", hcl.InitialPos); diags.HasErrors() {
		d := diags[0]
		return nil, fmt.Errorf("line %d, column %d: %s; %s", d.Subject.Start.Line, d.Subject.Start.Column, d.Summary, d.Detail)
	}
	return catalogue.Format(src), nil
}

// replace puts a file in another's place at once: a running gateway that watches it never reads half of it.
func replace(path string, content []byte, mode os.FileMode) error {
	beside, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = beside.Write(content)
	err = errors.Join(err, beside.Chmod(mode), beside.Close())
	if err == nil {
		err = os.Rename(beside.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(beside.Name()))
	}
	return nil
}
