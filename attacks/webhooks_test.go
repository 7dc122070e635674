package attacks

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"

	"github.com/wicketgate/wicketgate/internal/dpop/dpoptest"
)

// What senders sign their calls with: «hmac text» and the like.
func init() {
	mac := func(h func() hash.Hash, secret, text string) []byte {
		m := hmac.New(h, []byte(secret))
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	known["hmac"] = func(v *values, text string) string {
		return hex.EncodeToString(mac(sha256.New, v.g.secrets.kinds["HOOK"], text))
	}
	known["hmac64"] = func(v *values, text string) string {
		return base64.StdEncoding.EncodeToString(mac(sha256.New, v.g.secrets.kinds["HOOK"], text))
	}
	known["sha1"] = func(v *values, text string) string {
		return hex.EncodeToString(mac(sha1.New, v.g.secrets.kinds["HOOK"], text))
	}
	known["sha164"] = func(v *values, text string) string {
		return base64.StdEncoding.EncodeToString(mac(sha1.New, v.g.secrets.kinds["HOOK"], text))
	}
	known["standard"] = func(v *values, text string) string {
		return base64.StdEncoding.EncodeToString(mac(sha256.New, v.g.secrets.kinds["secret of Standard Webhooks"], text))
	}
	known["guessed"] = func(_ *values, text string) string { return hex.EncodeToString(mac(sha256.New, "", text)) }
	known["ed25519"] = func(v *values, text string) string {
		return hex.EncodeToString(v.g.secrets.sender.Raw(v.g.t, text))
	}
	known["ed25519-stranger"] = func(v *values, text string) string {
		return hex.EncodeToString(dpoptest.New(v.g.t, "EdDSA").Raw(v.g.t, text))
	}
}
