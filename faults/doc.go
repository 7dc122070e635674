// Package faults breaks what a gateway depends on, one thing after the other, and looks at what becomes of the service: the
// gateway is the binary, a process of its own, over real HTTPS, and what it depends on are real servers behind a proxy that
// fails as networks do (package chaos). All of it is one table, which go test ./faults -v prints; docs/faults.md tells
// what it means.
package faults
