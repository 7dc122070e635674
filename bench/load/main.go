// Command load asks gateways in ways that the load generator of bench.sh does not, one beside the other by turns, and says what it
// costs and what they hold:
//
//	load bodies      [-rounds 3] [-for 5s] [-rate 1000] -- COMMAND… [-- COMMAND…]   1 KB of JSON there and back
//	load connections [-rounds 1] [-for 5s] [-rate 1000] -- COMMAND… [-- COMMAND…]   64 to 10,000 connections that ask
//	load versions    [-rounds 3] [-for 5s]              -- COMMAND… [-- COMMAND…]   HTTP/1.1, 2 and 3
//	load idle        [-rounds 1] [-n 10000]             -- COMMAND… [-- COMMAND…]   connections that do nothing
//	load steady      [-for 1h]   [-rate 300]  -admin ADDRESS -- COMMAND…            what is held in the long run
//	load profiles    [-for 10s] -admin ADDRESS -- COMMAND…                          where time and memory go
//	load serve                                                                      the service behind the gateways
//
// It starts each command, which must serve https://127.0.0.1:28443, and ends it. The first is what the others are held
// against. The token of the load generator is read from $WORK/run/token. It needs Linux.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatalf("load: %v", err)
	}
}

// options are what the command line says.
type options struct {
	token, admin string
	rounds, n    int
	during       time.Duration
	rate         float64
}

// mode is a way to ask.
type mode struct {
	rounds  int           // unless the command line says otherwise
	during  time.Duration // of each measurement, as rounds
	rate    float64       // as rounds
	columns []column
	measure func(*gateway, options) ([]row, error) // nil columns: it tells by itself
}

var modes = map[string]mode{
	"bodies":      {3, 5 * time.Second, 1000, bodiesColumns, bodies},
	"connections": {1, 5 * time.Second, 1000, connectionsColumns, connections},
	"versions":    {3, 5 * time.Second, 0, versionsColumns, versions},
	"idle":        {1, 0, 0, idleColumns, idle},
	"steady":      {1, time.Hour, 300, nil, steady},
	"profiles":    {1, 10 * time.Second, 0, nil, profiles},
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "serve" {
		return serve()
	}
	unknown := errors.New("say bodies, connections, versions, idle, steady, profiles or serve")
	if len(args) == 0 {
		return unknown
	}
	m, known := modes[args[0]]
	if !known {
		return unknown
	}
	var o options
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.IntVar(&o.n, "n", 10_000, "idle connections")
	flags.IntVar(&o.rounds, "rounds", m.rounds, "how often each gateway has its turn")
	flags.DurationVar(&o.during, "for", m.during, "how long each measurement takes")
	flags.Float64Var(&o.rate, "rate", m.rate, "requests per second, where they come at a rate")
	flags.StringVar(&o.admin, "admin", "", "where Caddy's admin endpoint is, which tells the heap and gives profiles")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	token, err := os.ReadFile(filepath.Join(os.Getenv("WORK"), "run", "token"))
	if err != nil {
		return err
	}
	o.token = string(token)
	commands := divide(flags.Args())
	if len(commands) == 0 {
		return errors.New("what is to be measured?")
	}
	var rows []row
	for round := range o.rounds {
		for i := range commands {
			command := commands[(i+round)%len(commands)] // nobody is always first
			some, err := turn(m, o, command)
			if err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(command[0]), err)
			}
			for _, r := range some {
				r.round, r.gateway = round, filepath.Base(command[0])
				rows = append(rows, r)
			}
		}
	}
	if m.columns != nil {
		fmt.Print(table(m.columns, rows, filepath.Base(commands[0][0])))
	}
	return nil
}

// turn measures one gateway, and tells meanwhile what comes out.
func turn(m mode, o options, command []string) ([]row, error) {
	g, err := start(command, o.token)
	if err != nil {
		return nil, err
	}
	defer g.end()
	rows, err := m.measure(g, o)
	for _, r := range rows {
		fmt.Fprintf(os.Stderr, "%s, %s: %.1f\n", filepath.Base(command[0]), r.what, r.values)
	}
	return rows, err
}

// divide gives the commands between each "--".
func divide(args []string) (commands [][]string) {
	for len(args) > 0 {
		i := slices.Index(args, "--")
		if i < 0 {
			i = len(args)
		}
		if i > 0 {
			commands = append(commands, args[:i])
		}
		args = args[min(i+1, len(args)):]
	}
	return commands
}
