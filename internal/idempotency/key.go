package idempotency

import (
	"strings"

	"github.com/dunglas/httpsfv"
)

// maxKey bounds an idempotency key, in bytes: 255, as Stripe's clients know it.
const maxKey = 255

// maxField bounds the field around it, in bytes: each byte escaped, and parameters nobody knows.
const maxField = 1024

// parseKey reads an Idempotency-Key: a String of RFC 9651 as draft-ietf-httpapi-idempotency-key-header-07, section 2.1,
// has it, whose parameters say nothing, or the same text without quotes, as Stripe's clients send it.
func parseKey(field string) (key string, ok bool) {
	if len(field) > maxField {
		return "", false
	}
	if strings.HasPrefix(field, `"`) {
		item, err := httpsfv.UnmarshalItem([]string{field})
		if err != nil {
			return "", false
		}
		key, _ = item.Value.(string)
		return key, key != "" && len(key) <= maxKey
	}
	for i := range len(field) { // a comma may stand between two keys
		if c := field[i]; c <= ' ' || c > '~' || c == '"' || c == ',' || c == '\\' {
			return "", false
		}
	}
	return field, field != "" && len(field) <= maxKey
}
