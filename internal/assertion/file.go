package assertion

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Bounds of a key file.
const (
	MaxKeyFile  = 64 << 10 // bytes
	maxFileKeys = 4
)

// File is a Source of keys that an operator wrote.
type File struct{ keys *Keys }

// Keys implements Source.
func (f *File) Keys() *Keys { return f.keys }

// Passing is a Source of a key that nobody else knows, and that is forgotten with it: for what is only tried out.
type Passing struct{ keys *Keys }

// NewPassing makes one.
func NewPassing() (*Passing, error) {
	r, _, err := record{}.due(time.Now(), DefaultRotate)
	if err != nil {
		return nil, err
	}
	keys, err := r.ready()
	return &Passing{keys}, err
}

// Keys implements Source.
func (p *Passing) Keys() *Keys { return p.keys }

// ParseFile reads an operator's keys in PEM: the first signs, those below it, private or public, are only published. So
// the next key is written below the one that signs, and both change places once every service knows it. No message shows
// anything of the file.
func ParseFile(name string, src []byte) (*File, hcl.Diagnostics) {
	wrong := func(rest []byte, summary, detail string, args ...any) hcl.Diagnostics {
		at := hcl.Pos{Line: 1 + bytes.Count(src[:len(src)-len(rest)], []byte("\n")), Column: 1, Byte: len(src) - len(rest)}
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...),
			Subject: &hcl.Range{Filename: name, Start: at, End: at}}}
	}
	if len(src) > MaxKeyFile {
		return nil, wrong(src, "Key file too large", "A file of keys has at most 64 KiB.")
	}
	var keys []*key
	for rest := src; ; {
		begin := bytes.Index(rest, []byte("-----BEGIN "))
		if begin < 0 {
			break
		}
		rest = rest[begin:]
		block, after := pem.Decode(rest)
		if block == nil {
			return nil, wrong(rest, "Broken key", "Expected a key in PEM.")
		}
		raw, err := parseBlock(block)
		var k *key
		if err == nil {
			k, err = newKey(raw, time.Time{})
		}
		switch {
		case err != nil:
			return nil, wrong(rest, "Unsuitable key", "The key cannot be used: %v.", err)
		case len(keys) == 0 && k.private == nil:
			return nil, wrong(rest, "Unsuitable key", "The first key of the file signs, so it is a private one.")
		case len(keys) == maxFileKeys:
			return nil, wrong(rest, "Too many keys", "A file has at most %d keys.", maxFileKeys)
		}
		for _, other := range keys {
			if other.id == k.id {
				return nil, wrong(rest, "Duplicate key", "The file has this key twice.")
			}
		}
		if len(keys) > 0 {
			k.private = nil
		}
		keys = append(keys, k)
		rest = after
	}
	if len(keys) == 0 {
		return nil, wrong(src, "No key", "Expected a private key in PEM: EC (P-256, P-384 or P-521), Ed25519 or RSA.")
	}
	all, err := newKeys(keys)
	if err != nil {
		return nil, wrong(src, "Unsuitable key", "The keys cannot be published: %v.", err)
	}
	return &File{all}, nil
}

func parseBlock(block *pem.Block) (any, error) {
	var raw any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		raw, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		raw, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		raw, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PUBLIC KEY":
		raw, err = x509.ParsePKIXPublicKey(block.Bytes)
	default:
		return nil, fmt.Errorf("a PEM block of the type %.40q is no key that is known here", block.Type)
	}
	if err != nil {
		return nil, errors.New("its encoding is broken") // x509's own words may quote what was read
	}
	if _, signs := raw.(crypto.Signer); !signs && block.Type != "PUBLIC KEY" {
		return nil, errors.New("it cannot sign")
	}
	return raw, nil
}
