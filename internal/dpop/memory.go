package dpop

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
	"time"
)

const (
	maxProofs = 500_000 // remembered at a time, some 40 MB: 4,000 a second with a window of 60 s
	maxOfKey  = 50_000  // of one key, so that one caller cannot keep all others out
)

// Memory knows which proofs were sent, for as long as they could be sent again (RFC 9449, section 11.1), and makes the
// nonces. It is safe for concurrent use.
//
// Where it is full, proofs are refused: one that is forgotten early could be sent again.
type Memory struct {
	secret [32]byte

	mu     sync.Mutex
	sent   map[hash]struct{}
	of     map[hash]int     // how many are remembered of a key
	due    map[int64][]sent // those that end with a second
	swept  int64            // the second before which all are forgotten
	proofs int              // most
	ofKey  int              // most

	// A proof is remembered for the widest window that any has been judged by. One that was forgotten before the window
	// was as wide could be sent again: none is believed that is as old.
	widest time.Duration
	last   int64 // the second in which the youngest was made of those that are forgotten
	unsure int64 // the second up to which some that were made may have been forgotten too early
}

// Process is the memory of the process: a proof is believed once, whichever route it is sent to, and what was sent
// before a load stays known after it. Another process does not know it.
var Process = NewMemory()

// hash is the half of a SHA-256: who finds two proofs that share it has only one of them believed.
type hash [16]byte

// sent is a proof that is remembered.
type sent struct {
	proof, key hash
	issued     int64
}

// NewMemory makes an empty memory.
func NewMemory() *Memory {
	m := &Memory{sent: make(map[hash]struct{}), of: make(map[hash]int), due: make(map[int64][]sent), proofs: maxProofs, ofKey: maxOfKey}
	rand.Read(m.secret[:]) //nolint:errcheck // it never fails
	return m
}

// errReplayed is of a proof that was sent before.
var errReplayed = errors.New("it was sent before")

// once notes the proof with an id, by the key with a thumbprint, which is believed for a window from when it was made. It
// is an error if the proof is known already, or may have been.
func (m *Memory) once(thumbprint, id string, issued time.Time, window time.Duration, now time.Time) error {
	sum := sha256.Sum256(append(append(binary.BigEndian.AppendUint32(nil, uint32(len(thumbprint))), thumbprint...), id...)) //nolint:gosec // a thumbprint is 43 bytes
	proof := hash(sum[:16])
	sum = sha256.Sum256([]byte(thumbprint))
	key := hash(sum[:16])

	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(now.Unix())
	if window > m.widest {
		m.widen(window)
	}
	if issued.Add(window).Unix() < m.swept {
		return errors.New("it has ended while the request was under way")
	}
	if issued.Unix() <= m.unsure {
		return errReplayed
	}
	second := issued.Add(m.widest).Unix()
	if _, known := m.sent[proof]; known {
		return errReplayed
	}
	if len(m.sent) >= m.proofs || m.of[key] >= m.ofKey {
		return ErrFull
	}
	m.sent[proof] = struct{}{}
	m.of[key]++
	m.due[second] = append(m.due[second], sent{proof, key, issued.Unix()})
	return nil
}

// widen remembers for a wider window what is not forgotten yet.
func (m *Memory) widen(window time.Duration) {
	due := make(map[int64][]sent, len(m.due))
	for _, all := range m.due {
		for _, s := range all {
			second := s.issued + int64(window/time.Second) + 1 // of a window in parts of seconds, too
			due[second] = append(due[second], s)
		}
	}
	m.widest, m.unsure, m.due = window, m.last, due
}

// sweep forgets what ended before a second.
func (m *Memory) sweep(now int64) {
	if now <= m.swept {
		return
	}
	if now-m.swept > int64(len(m.due)) { // long after the last one
		for second := range m.due {
			if second < now {
				m.forget(second)
			}
		}
	} else {
		for second := m.swept; second < now; second++ {
			m.forget(second)
		}
	}
	m.swept = now
}

func (m *Memory) forget(second int64) {
	for _, s := range m.due[second] {
		delete(m.sent, s.proof)
		m.last = max(m.last, s.issued)
		if m.of[s.key]--; m.of[s.key] == 0 {
			delete(m.of, s.key)
		}
	}
	delete(m.due, second)
}

// Proofs is how many proofs are remembered.
func (m *Memory) Proofs() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.sent)
}

// nonceSpan is how long a nonce is the newest; it is believed for as long again.
const nonceSpan = 2 * time.Minute

// nonce is the newest nonce: the span of time that it is for, under a key that no one else has, so that none needs to
// be remembered.
func (m *Memory) nonce(now time.Time) string {
	return m.nonceOf(now.Unix() / int64(nonceSpan/time.Second))
}

func (m *Memory) nonceOf(span int64) string {
	mac := hmac.New(sha256.New, m.secret[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(span))) //nolint:gosec // no time is before 1970
	return encode(mac.Sum(nil)[:16])
}

// current says whether a nonce is the newest one or the one before.
func (m *Memory) current(nonce string, now time.Time) bool {
	span := now.Unix() / int64(nonceSpan/time.Second)
	return hmac.Equal([]byte(nonce), []byte(m.nonceOf(span))) || hmac.Equal([]byte(nonce), []byte(m.nonceOf(span-1)))
}
