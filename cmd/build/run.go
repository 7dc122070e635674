package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// run carries a plan out and leaves the binary at output. Progress and what go says go to log.
func (b builder) run(ctx context.Context, from checkout, output string, log io.Writer) (err error) {
	p, err := b.plan(from)
	if err != nil {
		return err
	}
	for _, loose := range p.loose {
		fmt.Fprintf(log, "build: %s has no version: the newest is taken, another day's build may differ\n", loose)
	}
	if output, err = filepath.Abs(output); err != nil {
		return fmt.Errorf("placing the binary: %w", err)
	}
	if b.TimeoutBuild > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, b.TimeoutBuild)
		defer cancel()
	}

	folder, err := os.MkdirTemp("", "wicketgate-build-")
	if err != nil {
		return fmt.Errorf("making the build's folder: %w", err)
	}
	if b.SkipCleanup {
		fmt.Fprintf(log, "build: main.go and go.mod stay in %s\n", folder)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	}
	if err := p.write(folder, from.sum); err != nil {
		return fmt.Errorf("writing the build's folder: %w", err)
	}

	g := goCommand{folder: folder, env: p.env, log: log}
	if err := g.get(ctx, b, p.gets); err != nil {
		return err
	}
	if b.SkipBuild {
		return nil
	}
	if err := g.run(ctx, p.tidy...); err != nil {
		return err
	}
	return g.run(ctx, append(p.build, "-o", output)...)
}

// write fills the build's folder.
func (p plan) write(folder string, sum []byte) error {
	for name, text := range map[string][]byte{"main.go": p.main, "go.mod": p.mod, "go.sum": sum} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			return err
		}
	}
	for link, to := range p.links {
		name := filepath.Join(folder, filepath.FromSlash(link))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(to, name); err != nil {
			return err
		}
	}
	return nil
}

// goCommand runs go in the build's folder.
type goCommand struct {
	folder string
	env    []string
	log    io.Writer
}

// get downloads what the plan does not find in the checkout's go.mod.
func (g goCommand) get(ctx context.Context, b builder, gets [][]string) error {
	if b.TimeoutGet > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, b.TimeoutGet)
		defer cancel()
	}
	for _, args := range gets {
		if err := g.run(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func (g goCommand) run(ctx context.Context, args ...string) error {
	fmt.Fprintf(g.log, "build: go %s\n", strings.Join(args, " "))
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = g.folder
	command.Env = append(os.Environ(), append(g.env, "PWD="+g.folder)...)
	command.Stdout, command.Stderr = g.log, g.log
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("running go %s: %w", args[0], err)
	}
	return nil
}
