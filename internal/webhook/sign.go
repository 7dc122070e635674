package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strconv"
	"time"

	"github.com/wicketgate/wicketgate/internal/secret"
)

// Signer signs what goes on to a service, in the form of Standard Webhooks.
type Signer struct{ secret []byte }

// NewSigner makes a signer of a secret, whsec_ and base64 of 24 to 64 bytes.
func NewSigner(text secret.Text) (*Signer, error) {
	b, err := standardSecret(text.Reveal())
	if err != nil {
		return nil, err
	}
	return &Signer{b}, nil
}

// Sign gives the value of webhook-signature for a body that is sent at a time under a name.
func (s *Signer) Sign(name string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, s.secret)
	io.WriteString(mac, name+"."+strconv.FormatInt(at.Unix(), 10)+".") //nolint:errcheck // a hash takes all
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
