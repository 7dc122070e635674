// Command token prints a token of the example shop's staff, as the shop's identity provider would issue it: a
// JWT signed with ES256, good for one hour.
//
//	go run ./examples/shop/token [-role manager] ada
//
// The key that signs is in the repository (demo.key.pem), so these tokens prove nothing anywhere else.
package main

import (
	"crypto/x509"
	_ "embed" // for the demo key
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

//go:embed demo.key.pem
var demoKey []byte

const (
	keyID    = "shop-demo"
	issuer   = "https://id.shop.example"
	audience = "orders"
	lifetime = time.Hour
)

func main() {
	role := flag.String("role", "clerk", "the role claim, by which the policy decides")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: token [-role manager] <name>")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 || flag.Arg(0) == "" {
		flag.Usage()
		os.Exit(2)
	}
	token, err := sign(flag.Arg(0), *role, time.Now())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(token)
}

// sign returns a token for a member of staff, issued now. Staff call the API with a client of their own, so
// client_id is the name too.
func sign(name, role string, now time.Time) (string, error) {
	key, err := signingKey()
	if err != nil {
		return "", fmt.Errorf("reading the demo key: %w", err)
	}
	token, err := jwt.NewBuilder().
		Issuer(issuer).
		Audience([]string{audience}).
		Subject(name).
		Claim("client_id", name).
		Claim("role", role).
		IssuedAt(now).
		Expiration(now.Add(lifetime)).
		Build()
	if err != nil {
		return "", fmt.Errorf("making the token: %w", err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), key))
	if err != nil {
		return "", fmt.Errorf("signing the token: %w", err)
	}
	return string(signed), nil
}

// signingKey reads the demo key; the text before its PEM block is for people.
func signingKey() (jwk.Key, error) {
	block, _ := pem.Decode(demoKey)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, err := jwk.Import(private)
	if err != nil {
		return nil, err
	}
	return key, key.Set(jwk.KeyIDKey, keyID)
}
