// Package attacks is a table of attacks on the gateway, and the test that carries them out: over real HTTPS, against the
// built binary, in front of a service that writes down what reaches it, with secrets that are looked for in every byte that
// the gateway emits. It has no code but its tests:
//
//	go test ./attacks
//	go test ./attacks -run 'TestAttacks/path'
//	go test ./attacks -run 'TestAttacks/tokens/none.in.capitals'
//
// # Reading the table
//
// The table is the pages beside this file, path.md, headers.md and so on, a line a case: what is sent, over which protocols,
// what must come back, and what the service may see of it. README.md tells what the columns mean, and how many cases there are.
//
// # Extending it
//
// Write a line into the page that it belongs to, and its number into README.md, which the test compares. What the columns
// cannot say is a value between « and », a function in values_test.go, or a conversation, one in conversations_test.go. What
// the gateway is configured with lies in testdata/gateway.
package attacks
