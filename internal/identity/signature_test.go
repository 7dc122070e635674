package identity

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"
)

// forgery is a signature that is not valid, though one who is careless may take it.
type forgery struct {
	name string
	sig  []byte
}

// hashes are those of the algorithms, by the end of their names.
var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

func digest(h crypto.Hash, input string) []byte {
	w := h.New()
	w.Write([]byte(input)) //nolint:errcheck // a hash takes all
	return w.Sum(nil)
}

func otherHash(h crypto.Hash) crypto.Hash {
	if h == crypto.SHA256 {
		return crypto.SHA512
	}
	return crypto.SHA256
}

// TestSignatures shows that of every algorithm a good signature is taken and none of these: out of range, of another
// length, padded in another way, of another key, another hash or another message.
func TestSignatures(t *testing.T) {
	i := newIssuer(t)
	for alg := range algorithms {
		t.Run(alg, func(t *testing.T) {
			m := i.tokens(t, JWTConfig{Algorithms: []string{alg}}, i.set(t, nil, alg))
			input := b64(header(alg)) + "." + b64(claimsWith(map[string]any{"jti": t.Name()}))
			good := i.signature(t, alg, input)
			var all []forgery
			switch a := algorithms[alg]; a.kty {
			case "EC":
				all = forgedECDSA(t, i.private[alg].(*ecdsa.PrivateKey), hashes[alg[2:]], input, good)
			case "RSA":
				all = forgedRSA(t, i.private[alg].(*rsa.PrivateKey), alg[:2] == "PS", hashes[alg[2:]], input, good)
			case "OKP":
				all = forgedEd25519(t, i.private[alg].(ed25519.PrivateKey), input, good)
			case "oct":
				all = forgedHMAC(i.private[alg].([]byte), hashes[alg[2:]], input, good)
			}
			flipped := slices.Clone(good)
			flipped[len(flipped)/2] ^= 1
			all = append(all,
				forgery{"a bit flipped", flipped},
				forgery{"nothing but zeros", make([]byte, len(good))},
				forgery{"all bits set", bytes.Repeat([]byte{0xff}, len(good))},
				forgery{"a byte less", good[:len(good)-1]},
				forgery{"the first byte missing", good[1:]},
				forgery{"half of it", good[:len(good)/2]},
				forgery{"a byte more", append(slices.Clone(good), 0)},
				forgery{"a leading zero", append([]byte{0}, good...)},
				forgery{"twice", append(slices.Clone(good), good...)},
				forgery{"one byte", []byte{0}},
				forgery{"of another message", i.signature(t, alg, input+"A")},
				forgery{"of the payload alone", i.signature(t, alg, b64(claimsWith(nil)))},
			)
			for _, f := range all {
				_, r := m.Authenticate(request("Authorization", "Bearer "+input+"."+b64(string(f.sig))))
				if r == nil {
					t.Errorf("%s: believed", f.name)
				} else if r.Cause == nil || r.Cause.Error() != "its signature is not that of its key" {
					t.Errorf("%s: refused for another reason: %v", f.name, r)
				}
			}
			for range 2 { // verified, then remembered
				if _, r := m.Authenticate(request("Authorization", "Bearer "+input+"."+b64(string(good)))); r != nil {
					t.Errorf("a good one is refused: %v", r)
				}
			}
			// A signature by the very key, but as another algorithm has it.
			for other, a := range algorithms {
				if other == alg || a.kty != algorithms[alg].kty || a.kty == "EC" || a.kty == "oct" {
					continue
				}
				h := `{"alg":"` + other + `","kid":"` + alg + `"}`
				all := i.tokens(t, JWTConfig{}, i.set(t, nil, alg))
				if _, r := all.Authenticate(request("Authorization", "Bearer "+i.sign(t, other, h, claimsWith(nil)))); r == nil {
					t.Errorf("a signature by %s is taken for one of a key for %s", other, alg)
				}
			}
		})
	}
}

// signature is the issuer's for alg.
func (i *issuer) signature(t testing.TB, alg, input string) []byte {
	t.Helper()
	h := hashes[alg[len(alg)-3:]]
	var sig []byte
	var err error
	switch key := i.private[alg].(type) {
	case *rsa.PrivateKey:
		if alg[:2] == "PS" {
			sig, err = rsa.SignPSS(rand.Reader, key, h, digest(h, input), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			sig, err = rsa.SignPKCS1v15(nil, key, h, digest(h, input))
		}
	case *ecdsa.PrivateKey:
		sig = signedECDSA(t, key, digest(h, input))
	case ed25519.PrivateKey:
		sig = ed25519.Sign(key, []byte(input))
	case []byte:
		sig = mac(h, key, input)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func signedECDSA(t testing.TB, key *ecdsa.PrivateKey, digest []byte) []byte {
	t.Helper()
	r, s, err := ecdsa.Sign(rand.Reader, key, digest)
	if err != nil {
		t.Fatal(err)
	}
	size := (key.Curve.Params().BitSize + 7) / 8
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
}

func forgedECDSA(t *testing.T, key *ecdsa.PrivateKey, h crypto.Hash, input string, good []byte) []forgery {
	t.Helper()
	size := len(good) / 2
	n := key.Curve.Params().N
	r, s := new(big.Int).SetBytes(good[:size]), new(big.Int).SetBytes(good[size:])
	zero, one := big.NewInt(0), big.NewInt(1)
	pair := func(r, s *big.Int) []byte {
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ecdsa.GenerateKey(key.Curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all := []forgery{
		{"r is 0", pair(zero, s)}, {"s is 0", pair(r, zero)}, {"r and s are 0", pair(zero, zero)},
		{"r is 1", pair(one, s)}, {"s is 1", pair(r, one)}, {"r and s are 1", pair(one, one)},
		{"r is the order", pair(n, s)}, {"s is the order", pair(r, n)}, {"both are the order", pair(n, n)},
		{"r beyond the order", pair(new(big.Int).Add(n, one), s)}, {"s beyond the order", pair(r, new(big.Int).Add(n, one))},
		{"r negated", pair(new(big.Int).Sub(n, r), s)},
		{"swapped", pair(s, r)},
		{"in DER", der},
		{"each with a leading zero", slices.Concat([]byte{0}, good[:size], []byte{0}, good[size:])},
		{"of another key", signedECDSA(t, stranger, digest(h, input))},
		{"of another hash", signedECDSA(t, key, digest(otherHash(h), input))},
	}
	for _, more := range []struct {
		name string
		r, s *big.Int
	}{{"r and the order", new(big.Int).Add(r, n), s}, {"s and the order", r, new(big.Int).Add(s, n)}} {
		if (more.r.BitLen()+7)/8 <= size && (more.s.BitLen()+7)/8 <= size {
			all = append(all, forgery{more.name, pair(more.r, more.s)})
		}
	}
	return all
}

// digestInfo are what stands before a hash in a signature of PKCS #1 v1.5 (RFC 8017, section 9.2).
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},
}

func forgedRSA(t *testing.T, key *rsa.PrivateKey, pss bool, h crypto.Hash, input string, good []byte) []forgery {
	t.Helper()
	size := key.Size()
	sum := digest(h, input)
	// signed is the bare private operation on a message that is padded in whatever way.
	signed := func(padded []byte) []byte {
		return new(big.Int).Exp(new(big.Int).SetBytes(padded), key.D, key.N).FillBytes(make([]byte, size))
	}
	// block pads with ff from a head to a tail.
	block := func(head, tail []byte) []byte {
		return signed(slices.Concat(head, bytes.Repeat([]byte{0xff}, size-len(head)-len(tail)), tail))
	}
	// early ends the padding after 8 bytes and fills with what nobody looks at who only parses from the left.
	early := func(tail []byte) []byte {
		b := slices.Concat([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 8), []byte{0}, tail)
		return signed(append(b, make([]byte, size-len(b))...))
	}
	must := func(sig []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	salted := func(h crypto.Hash, salt int) []byte {
		return must(rsa.SignPSS(rand.Reader, key, h, digest(h, input), &rsa.PSSOptions{SaltLength: salt}))
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	info := slices.Concat(digestInfo[h], sum)
	all := []forgery{
		{"1", big.NewInt(1).FillBytes(make([]byte, size))},
		{"the modulus", key.N.FillBytes(make([]byte, size))},
		{"the modulus less 1", new(big.Int).Sub(key.N, big.NewInt(1)).FillBytes(make([]byte, size))},
		{"negated", new(big.Int).Sub(key.N, new(big.Int).SetBytes(good)).FillBytes(make([]byte, size))},
		{"the hash without padding", signed(sum)},
	}
	if more := new(big.Int).Add(new(big.Int).SetBytes(good), key.N); more.BitLen() <= size*8 {
		all = append(all, forgery{"and the modulus", more.FillBytes(make([]byte, size))})
	}
	if pss {
		return append(all,
			forgery{"a salt of 1 byte", salted(h, 1)},
			forgery{"a salt that is a byte too short", salted(h, h.Size()-1)},
			forgery{"a salt that is a byte too long", salted(h, h.Size()+1)},
			forgery{"the longest salt", salted(h, rsa.PSSSaltLengthAuto)},
			forgery{"of another hash", salted(otherHash(h), rsa.PSSSaltLengthEqualsHash)},
			forgery{"PKCS #1 v1.5", must(rsa.SignPKCS1v15(nil, key, h, sum))},
			forgery{"of another key", must(rsa.SignPSS(rand.Reader, stranger, h, sum, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))},
		)
	}
	withoutNull := slices.Concat(digestInfo[h][:13], sum) // an AlgorithmIdentifier that has no parameters
	withoutNull = slices.Concat([]byte{0x30, byte(len(info) - 4), 0x30, 0x0b}, digestInfo[h][4:15], []byte{0x04, byte(h.Size())}, withoutNull[13:])
	return append(all,
		forgery{"PSS", salted(h, rsa.PSSSaltLengthEqualsHash)},
		forgery{"of another hash", must(rsa.SignPKCS1v15(nil, key, otherHash(h), digest(otherHash(h), input)))},
		forgery{"of another key", must(rsa.SignPKCS1v15(nil, stranger, h, sum))},
		forgery{"the hash alone in the padding", block([]byte{0, 1}, append([]byte{0}, sum...))},
		forgery{"of block type 2", block([]byte{0, 2}, append([]byte{0}, info...))},
		forgery{"of block type 0", signed(append(make([]byte, size-len(info)), info...))},
		forgery{"no zero before the hash", block([]byte{0, 1}, info)},
		forgery{"filled after the hash", early(info)},
		forgery{"a byte after the hash", block([]byte{0, 1}, slices.Concat([]byte{0}, info, []byte{0}))},
		forgery{"no parameters of the hash", block([]byte{0, 1}, append([]byte{0}, withoutNull...))},
		forgery{"a wrong hash in the right place", block([]byte{0, 1}, slices.Concat([]byte{0}, digestInfo[h], make([]byte, h.Size())))},
	)
}

func forgedEd25519(t *testing.T, key ed25519.PrivateKey, input string, good []byte) []forgery {
	t.Helper()
	// order is that of the group: S and S+L mean the same point, and only the smaller may stand there (RFC 8032, section
	// 5.1.7).
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	reversed := func(b []byte) []byte { b = slices.Clone(b); slices.Reverse(b); return b }
	s := new(big.Int).SetBytes(reversed(good[32:]))
	with := func(r []byte, s *big.Int) []byte {
		return append(slices.Clone(r), reversed(s.FillBytes(make([]byte, 32)))...)
	}
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := key.Sign(nil, []byte(input), &ed25519.Options{Context: "x"})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512([]byte(input))
	prehashed, err := key.Sign(nil, sum[:], &ed25519.Options{Hash: crypto.SHA512})
	if err != nil {
		t.Fatal(err)
	}
	identity := append([]byte{1}, make([]byte, 31)...)
	return []forgery{
		{"S and the order", with(good[:32], new(big.Int).Add(s, order))},
		{"S and twice the order", with(good[:32], new(big.Int).Add(s, new(big.Int).Lsh(order, 1)))},
		{"S is the order", with(good[:32], order)},
		{"S is 0", with(good[:32], big.NewInt(0))},
		{"R is the identity", with(identity, s)},
		{"R is the identity and S is 0", with(identity, big.NewInt(0))},
		{"R is no point", with(bytes.Repeat([]byte{0xff}, 32), s)},
		{"swapped", append(slices.Clone(good[32:]), good[:32]...)},
		{"with a context", ctx},
		{"of the hash", ed25519.Sign(key, sum[:])},
		{"of the hash, as Ed25519ph", prehashed},
		{"of another key", ed25519.Sign(stranger, []byte(input))},
	}
}

func mac(h crypto.Hash, key []byte, input string) []byte {
	w := hmac.New(h.New, key)
	w.Write([]byte(input)) //nolint:errcheck // a hash takes all
	return w.Sum(nil)
}

func forgedHMAC(key []byte, h crypto.Hash, input string, good []byte) []forgery {
	bare := sha256.Sum256(append(slices.Clone(key), input...))
	return []forgery{
		{"with an empty key", mac(h, nil, input)},
		{"with a key of zeros", mac(h, make([]byte, len(key)), input)},
		{"with half of the key", mac(h, key[:len(key)/2], input)},
		{"with the key in base64", mac(h, []byte(b64(string(key))), input)},
		{"of another hash", mac(otherHash(h), key, input)},
		{"cut to 16 bytes", good[:16]},
		{"a hash instead", bare[:]},
		{"the hash of the message", digest(h, input)},
	}
}
