package assertion

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Times of keys that the gateway makes.
const (
	// DefaultRotate is for how long a key signs: 30 days.
	DefaultRotate = 30 * 24 * time.Hour
	// MinRotate is the shortest such time.
	MinRotate = time.Hour
	// MaxRotate is the longest.
	MaxRotate = 366 * 24 * time.Hour
	// maxAhead is for how long a key is published before it signs, at most; it is a quarter of the time that keys sign
	// where that is less, and then still longer than MaxAge and the time between two looks into the storage.
	maxAhead = 24 * time.Hour
	// keep is for how long a key stays published when it signs no more: longer than any token lives, and clocks differ.
	keep = time.Hour
	// maxRecord bounds the record in the storage, in bytes, and maxKeys the keys in it: three at the most are wanted.
	maxRecord = 64 << 10
	maxKeys   = 16
)

// record is what the nodes of a gateway share. It never changes once it is made.
type record struct {
	Keys []recorded `json:"keys"` // by From
}

type recorded struct {
	From    time.Time `json:"from"`    // when it begins to sign
	Private []byte    `json:"private"` // PKCS #8
}

func ahead(rotate time.Duration) time.Duration { return min(maxAhead, rotate/4) }

// due gives what the record is to be at a time, and whether that is another.
func (r record) due(now time.Time, rotate time.Duration) (next record, changed bool, err error) {
	next.Keys = r.Keys
	for len(next.Keys) > 1 && now.After(next.Keys[1].From.Add(keep)) { // nothing that the first one signed lives
		next.Keys, changed = next.Keys[1:], true
	}
	from := now
	if n := len(next.Keys); n > 0 {
		last := next.Keys[n-1].From
		if now.Before(last.Add(rotate - ahead(rotate))) {
			return next, changed, nil
		}
		from = last.Add(rotate)
		if least := now.Add(ahead(rotate)); from.Before(least) { // nobody rotated for a while
			from = least
		}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return r, false, fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return r, false, fmt.Errorf("writing a key: %w", err)
	}
	next.Keys = append(next.Keys[:len(next.Keys):len(next.Keys)], recorded{from.UTC().Truncate(time.Second), der})
	return next, true, nil
}

func (r record) encode() ([]byte, error) { return json.Marshal(r) }

// errRecord says nothing of what the record holds, which is secret.
var errRecord = errors.New("the record of signing keys in the storage is broken")

func decode(text []byte) (r record, err error) {
	if len(text) > maxRecord {
		return r, errRecord
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || len(r.Keys) == 0 || len(r.Keys) > maxKeys || d.More() {
		return record{}, errRecord
	}
	for i := 1; i < len(r.Keys); i++ {
		if r.Keys[i].From.Before(r.Keys[i-1].From) {
			return record{}, errRecord
		}
	}
	return r, nil
}

// ready makes the keys of a record ready.
func (r record) ready() (*Keys, error) {
	var keys []*key
	for _, one := range r.Keys {
		raw, err := x509.ParsePKCS8PrivateKey(one.Private)
		if err != nil {
			return nil, errRecord
		}
		private, ok := raw.(*ecdsa.PrivateKey)
		if !ok {
			return nil, errRecord
		}
		k, err := newKey(private, one.From)
		if err != nil {
			return nil, errRecord
		}
		keys = append(keys, k)
	}
	return newKeys(keys)
}
