// Package decisionlog keeps a record of every decision of a policy, in the event format of OPA, so that what reads
// OPA's decision logs reads these. A Recorder, an observer of policies, writes an event straight from the values that
// the policy computed with, without what must not be seen, and hands its bytes to a Log: a bounded queue, which one
// goroutine empties into a writer, or in gzipped chunks onto the disk and from there to an HTTP endpoint.
//
// OPA's own logs plugin is not used: it takes 60 µs for an event, masks by editing the input that the policy still
// reads, and keeps what waits for an endpoint in memory only.
//
// One file, one subject: event.go and value.go write events, mask.go says what is left out, parse.go reads how an
// operator writes that, recorder.go observes, queue.go and log.go hand events on, lines.go writes them to a writer,
// chunk.go, spool.go and upload.go to an endpoint.
package decisionlog

import (
	"errors"
	"time"
)

// Meter is told what becomes of decisions. Its methods may be called by many goroutines at once.
type Meter interface {
	// Logged counts decisions that were written, or lie safely on the disk.
	Logged(n int)
	// Lost counts decisions that are in no log, by the reason: "full", "failed", "rejected", "corrupt".
	Lost(n int, reason string)
	// Refused counts a request that ended because its decision could not be logged.
	Refused()
	// Uploaded counts an attempt to send a chunk, by its result: "success", "failure", "rejected".
	Uploaded(result string)
	// Spooled tells how many bytes wait on the disk.
	Spooled(bytes int64)
	// Failed tells what went wrong, for the log.
	Failed(doing string, err error)
}

// Settings are what all logs have.
type Settings struct {
	// Drop lets a request pass whose decision finds no room, which is counted. Otherwise the request waits for room as
	// long as a decision may take, and is then refused.
	Drop bool
	// Meter is told what becomes of decisions.
	Meter Meter

	retry time.Duration // after a failed write; retryDelay unless a test says otherwise
}

const (
	// maxQueued and maxQueuedBytes bound what waits to be written.
	maxQueued      = 10_000
	maxQueuedBytes = 16 << 20

	// maxEvent bounds an event, in bytes: of a larger one the input is left out, and the result if need be.
	maxEvent = 512 << 10

	// maxWait is how long a request waits for room, as long as a decision may take by default.
	maxWait = 100 * time.Millisecond

	// retryDelay is how long a failed write is left alone.
	retryDelay = time.Second

	// stopTime bounds how long stopping waits for what is queued to be written, and then for it to be sent.
	stopTime = 3 * time.Second
)

// errStopped says that a log ended before it could write all it had.
var errStopped = errors.New("decisions are lost, for the log was stopped first")
