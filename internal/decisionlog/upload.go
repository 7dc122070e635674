package decisionlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Endpoint is where chunks are sent, and how.
type Endpoint struct {
	// URL gets the chunks, as it is: OPA would put /logs behind it.
	URL string
	// Client sends them. It must not follow redirects, which may lead credentials elsewhere.
	Client *http.Client
	// Header gives what a request carries beside the chunk, anew for each, so that a credential may change.
	Header func() (http.Header, error)
	// ChunkSize bounds a chunk, in bytes, gzipped. A single event that is larger makes a chunk of its own.
	ChunkSize int
	// MinDelay and MaxDelay are between which an event waits for others at most, at random, so that many gateways do not
	// send at once.
	MinDelay, MaxDelay time.Duration
	// Spool is the folder in which chunks wait, and SpoolSize how many bytes may.
	Spool     string
	SpoolSize int64
}

const (
	// sendTime bounds one attempt to send a chunk.
	sendTime = 30 * time.Second

	// minBackoff and maxBackoff bound the time after a failed attempt. It doubles, and is taken at random up to that.
	minBackoff = 100 * time.Millisecond
	maxBackoff = 30 * time.Second

	// maxRejections is how often an endpoint may say that a chunk itself is wrong until it is given up.
	maxRejections = 5

	// maxAnswer bounds what is read of an answer, in bytes, so that the connection can be used again.
	maxAnswer = 64 << 10
)

// NewUpload makes a log that sends events to an endpoint. They lie on the disk until the endpoint has taken them.
// Nothing is sent before Start.
func NewUpload(to Endpoint, s Settings) (*Log, error) {
	spool, err := openSpool(to.Spool, to.SpoolSize, s.Meter)
	if err != nil {
		return nil, err
	}
	u := &upload{Endpoint: to, Settings: s, spool: spool, chunk: newChunk(to.ChunkSize), closing: make(chan struct{}), ended: make(chan struct{})}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	return newLog(s, u), nil
}

// upload gathers events in a chunk, puts full and old ones into the spool, and has a goroutine send those.
type upload struct {
	Endpoint
	Settings
	spool *spool
	chunk *chunk
	timer <-chan time.Time

	starting sync.Mutex
	started  bool
	ctx      context.Context
	cancel   context.CancelFunc
	closing  chan struct{}
	ended    chan struct{} // closed when the goroutine has ended
}

func (u *upload) put(events []*event) (taken int, err error) {
	for _, e := range events {
		if !u.chunk.add(e.buf) {
			if err := u.flush(); err != nil {
				return taken, err
			}
			u.chunk.add(e.buf) // which the first does
		}
		if u.timer == nil {
			u.timer = time.After(u.delay())
		}
		taken++
	}
	return taken, nil
}

func (u *upload) delay() time.Duration {
	if u.MaxDelay <= u.MinDelay {
		return u.MaxDelay
	}
	return u.MinDelay + rand.N(u.MaxDelay-u.MinDelay) //nolint:gosec // no secret
}

func (u *upload) due() <-chan time.Time { return u.timer }

func (u *upload) flush() error {
	if u.chunk.events == 0 {
		u.timer = nil
		return nil
	}
	u.chunk.end()
	if err := u.spool.add(u.chunk.buf.Bytes(), u.chunk.events); err != nil {
		u.timer = time.After(retryDelay)
		return err
	}
	u.Meter.Logged(u.chunk.events)
	u.chunk.reset()
	u.timer = nil
	return nil
}

func (u *upload) room() <-chan struct{} { return u.spool.freed }

func (u *upload) late(e *event) error {
	c := newChunk(u.ChunkSize)
	c.add(e.buf)
	c.end()
	return u.spool.add(c.buf.Bytes(), c.events)
}

func (u *upload) start() {
	u.starting.Lock()
	defer u.starting.Unlock()
	if u.started || u.ctx.Err() != nil {
		return
	}
	u.started = true
	go u.send()
}

// close gives what is spooled a little time to be sent; the rest is sent when the gateway runs again.
func (u *upload) close() {
	if u.chunk.events > 0 {
		u.Meter.Lost(u.chunk.events, "failed")
	}
	u.starting.Lock()
	defer u.starting.Unlock()
	close(u.closing)
	if u.started {
		timer := time.AfterFunc(stopTime, u.cancel)
		<-u.ended
		timer.Stop()
	}
	u.cancel()
	u.Client.CloseIdleConnections()
}

// send sends what is in the spool, the oldest first, until it is closed and there is nothing left or the endpoint fails.
func (u *upload) send() {
	defer close(u.ended)
	failures, rejections := 0, 0
	for u.ctx.Err() == nil {
		next, ok := u.spool.oldest()
		if !ok {
			if !u.idle() {
				return
			}
			continue
		}
		wait, err := u.sendOne(next)
		if err == nil {
			failures, rejections = 0, 0
			continue
		}
		u.Meter.Failed("sending decisions", err)
		if errors.As(err, new(rejected)) {
			if rejections++; rejections >= maxRejections {
				rejections = 0
				u.giveUp(next, "rejected")
				continue
			}
		}
		if !u.pause(max(wait, backoff(failures))) {
			return
		}
		failures++
	}
}

// idle waits for something to send, and says whether to go on. It looks now and then, since others may share the spool.
func (u *upload) idle() bool {
	timer := time.NewTimer(max(u.MaxDelay, minBackoff))
	defer timer.Stop()
	select {
	case <-u.spool.added:
		return true
	case <-timer.C:
		return true
	case <-u.closing:
	}
	select {
	case <-u.spool.added: // what came last before the end
		return true
	default:
		return false
	}
}

// pause waits after a failure, and says whether to go on.
func (u *upload) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-u.closing:
		return false
	}
}

// backoff is how long to wait after so many failures before this one.
func backoff(failures int) time.Duration {
	most := maxBackoff
	if failures < 16 {
		most = min(maxBackoff, minBackoff<<failures)
	}
	return most/2 + rand.N(most/2) //nolint:gosec // no secret
}

// sendOne sends a chunk and removes it from the spool. It says how long the endpoint wants to be left alone, if it does.
func (u *upload) sendOne(c spooled) (wait time.Duration, err error) {
	data, err := u.spool.read(c)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, u.spool.remove(c)
	}
	if err != nil {
		return 0, err
	}
	if err := intact(data); err != nil {
		u.Meter.Failed("reading "+c.String(), err)
		u.giveUp(c, "corrupt")
		return 0, nil
	}
	if wait, err = u.post(data); err != nil {
		result := "failure"
		if errors.As(err, new(rejected)) {
			result = "rejected"
		}
		u.Meter.Uploaded(result)
		return wait, err
	}
	u.Meter.Uploaded("success")
	return 0, u.spool.remove(c)
}

// giveUp lets go of a chunk that nobody will take.
func (u *upload) giveUp(c spooled, reason string) {
	u.Meter.Lost(c.events, reason)
	if err := u.spool.remove(c); err != nil {
		u.Meter.Failed("removing "+c.String(), err)
		u.pause(maxBackoff)
	}
}

// rejected is an answer by which the endpoint says that the chunk itself is wrong: it would say so tomorrow.
type rejected int

func (r rejected) Error() string {
	return fmt.Sprintf("the endpoint rejects the chunk with status %d", int(r))
}

func (u *upload) post(chunk []byte) (wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(u.ctx, sendTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.URL, bytes.NewReader(chunk))
	if err != nil {
		return 0, err
	}
	if u.Header != nil {
		if req.Header, err = u.Header(); err != nil {
			return 0, err
		}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	res, err := u.Client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()                                   //nolint:errcheck // only read
	io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer)) //nolint:errcheck // it has nothing to say
	switch res.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return 0, rejected(res.StatusCode)
	}
	if res.StatusCode/100 != 2 {
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return min(maxBackoff, time.Duration(max(seconds, 0))*time.Second), fmt.Errorf("the endpoint answers with status %d", res.StatusCode)
	}
	return 0, nil
}
