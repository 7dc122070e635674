// Command token gives the load generator a token of ES256 in the place of its own of RS256, and the key set that it is
// verified by. Its claims stay: nobody else in the comparison reads it. Where the load generator has made no certificate for the
// gateways, it makes one, too.
//
//	go run ./bench/token FOLDER
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("token: name the folder with the load generator's keys")
	}
	if err := errors.Join(write(os.Args[1]), certify(os.Args[1])); err != nil {
		log.Fatalf("token: %v", err)
	}
}

// lasts is how long the token does: half a year, as the load generator's.
const lasts = 183 * 24 * time.Hour

func write(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	point, err := key.PublicKey.Bytes() // 4, and the two coordinates
	if err != nil {
		return err
	}
	text := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "es", "x": text(point[1:33]), "y": text(point[33:]),
	}}})
	if err != nil {
		return err
	}
	claims, err := json.Marshal(map[string]any{
		"iss": "https://issuer.test", "aud": "api", "sub": "user42", "roles": []string{"editor", "viewer"},
		"iat": time.Now().Unix(), "exp": time.Now().Add(lasts).Unix(),
	})
	if err != nil {
		return err
	}
	signed := text([]byte(`{"alg":"ES256","kid":"es","typ":"JWT"}`)) + "." + text(claims)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:crypto.SHA256.Size()])
	if err != nil {
		return err
	}
	signature := make([]byte, 64) // RFC 7518, section 3.4
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return errors.Join(
		put(dir, "es256.json", set),
		put(dir, "token", fmt.Appendf(nil, "%s.%s", signed, text(signature))),
	)
}

func put(dir, name string, b []byte) error { return os.WriteFile(filepath.Join(dir, name), b, 0o600) }
