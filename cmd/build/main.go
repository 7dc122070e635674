// Command build builds Caddy with the gateway, and with any other plugins, from a list:
//
//	go run ./cmd/build [-o caddy] [-with module[@version][=folder]]... [xcaddy.json]
//
// The list is the JSON form of xcaddy's Builder, and what happens is what xcaddy does: a temporary main with one
// blank import per plugin, go get, go mod tidy, go build. Two things are added so that the same list gives the
// same binary, byte for byte: the versions of everything are those of this checkout's go.mod and go.sum, save what
// the list itself asks for; and the gateway, named without a version, is this checkout.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// command does what the arguments say: it writes the binary's hash to out, all else to log.
func command(ctx context.Context, args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	flags.SetOutput(log)
	output := flags.String("o", "caddy", "`file` to write the binary to")
	var extra []string
	flags.Func("with", "`module[@version][=folder]` to link as well as those of the list; may be repeated", func(s string) error {
		extra = append(extra, s)
		return nil
	})
	flags.Usage = func() {
		fmt.Fprintln(log, "usage: build [-o caddy] [-with module[@version][=folder]]... [xcaddy.json]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	list := "xcaddy.json"
	switch flags.NArg() {
	case 0:
	case 1:
		list = flags.Arg(0)
	default:
		return fmt.Errorf("one list of plugins is enough, %d are given: %s", flags.NArg(), strings.Join(flags.Args(), " "))
	}

	b, err := readFile(list)
	if err != nil {
		return err
	}
	for _, with := range extra {
		if err := b.with(with); err != nil {
			return fmt.Errorf("reading -with %s: %w", with, err)
		}
	}
	here, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("finding the checkout: %w", err)
	}
	from, err := openCheckout(here)
	if err != nil {
		return err
	}
	if err := b.run(ctx, from, *output, log); err != nil || b.SkipBuild {
		return err
	}
	sum, err := hash(*output)
	if err != nil {
		return fmt.Errorf("reading the binary: %w", err)
	}
	fmt.Fprintf(out, "%s  %s\n", sum, *output)
	return nil
}

// with adds a plugin as xcaddy's --with writes it: module, module@version, module=folder, or all three.
func (b *builder) with(s string) error {
	name, folder, replaced := strings.Cut(s, "=")
	path, version, _ := strings.Cut(name, "@")
	p, err := plugin{Path: strings.TrimSuffix(path, "/"), Version: version}.checked()
	if err != nil {
		return err
	}
	for _, other := range b.Plugins {
		if other.Path == p.Path {
			return errors.New("the plugin is already in the list")
		}
	}
	b.Plugins = append(b.Plugins, p)
	if !replaced {
		return nil
	}
	whole, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	r := replacement{Old: p.String(), New: whole}
	if err := r.check(); err != nil {
		return err
	}
	b.Replacements = append(b.Replacements, r)
	return nil
}

// hash returns the SHA-256 of a file in hexadecimal digits, as sha256sum prints it.
func hash(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}
