// Package ptytest gives tests a real terminal, and what stands on its screen.
package ptytest

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Terminal is a terminal whose keyboard and screen are the test's.
type Terminal struct {
	// File is what a program that runs at the terminal has open.
	File *os.File

	mutex   sync.Mutex
	written strings.Builder
}

// Open gives a terminal of so many columns until the test ends. Where there is no way to make one, the test is skipped.
func Open(t testing.TB, columns int) *Terminal {
	t.Helper()
	screen, file := open(t, columns)
	pty := &Terminal{File: file}
	done := make(chan struct{})
	go func() {
		defer close(done)
		part := make([]byte, 4096)
		for {
			n, err := screen.Read(part)
			pty.mutex.Lock()
			pty.written.Write(part[:n])
			pty.mutex.Unlock()
			if err != nil { // nobody has the terminal open any more
				return
			}
		}
	}()
	t.Cleanup(func() {
		file.Close()   //nolint:errcheck // the test is over
		screen.Close() //nolint:errcheck // the test is over
		<-done
	})
	return pty
}

// Written is all that was written to the terminal so far.
func (t *Terminal) Written() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.written.String()
}

// Screen is what stands on the screen, without blanks at the end of lines.
func (t *Terminal) Screen() string {
	lines, row, column := [][]rune{nil}, 0, 0
	for _, r := range t.Written() {
		switch r {
		case '\r':
			column = 0
		case '\n':
			lines, row = append(lines, nil), row+1
		default:
			for len(lines[row]) <= column {
				lines[row] = append(lines[row], ' ')
			}
			lines[row][column] = r
			column++
		}
	}
	var out strings.Builder
	for _, line := range lines {
		out.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return strings.TrimRight(out.String(), "\n")
}

// Within waits until the screen is as it should be, and fails the test if it takes longer than 30 s.
func (t *Terminal) Within(tb testing.TB, what string, ok func(screen string) bool) {
	tb.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok(t.Screen()) {
		if time.Now().After(deadline) {
			tb.Fatalf("%s: after 30 s the screen says %q, for %q was written", what, t.Screen(), t.Written())
		}
		time.Sleep(5 * time.Millisecond)
	}
}
