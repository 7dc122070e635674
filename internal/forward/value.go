package forward

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wicketgate/wicketgate/internal/rule"
)

// maxValue bounds the value of a header field that the service is told, in bytes: 4 KiB.
const maxValue = 4 << 10

var (
	errKind    = errors.New("is neither a text, a number or a truth value, nor a list of such")
	errLong    = errors.New("has more than 4096 bytes")
	errControl = errors.New("has a control character, or is no UTF-8")
	errSpace   = errors.New("begins or ends with a space")
	errComma   = errors.New("is a list, of which an item has a comma")
	errEmpty   = errors.New("is a list, of which an item is empty")
)

// Write writes a value as that of a header field: a list with commas between its items; "" for null and for an empty
// list. No value becomes more than one field, or, of a list, more items than it has: a claim that a caller chose could
// otherwise say what the gateway does not (CWE-113). What cannot be written so is an error, which quotes nothing of it.
func Write(value any) (string, error) {
	var items []string
	switch list := value.(type) {
	case nil:
		return "", nil
	case []string:
		items = list
	case []any:
		items = make([]string, len(list))
		for i, v := range list {
			text, ok := rule.Text(v)
			if !ok {
				return "", errKind
			}
			items[i] = text
		}
	default:
		text, ok := rule.Text(value)
		if !ok {
			return "", errKind
		}
		return text, check(text)
	}
	for _, item := range items {
		switch {
		case item == "":
			return "", errEmpty
		case strings.ContainsRune(item, ','):
			return "", errComma
		}
		if err := check(item); err != nil {
			return "", err
		}
	}
	text := strings.Join(items, ",")
	if len(text) > maxValue {
		return "", errLong
	}
	return text, nil
}

// check says what is wrong with a text as a header field's value. Letters that are not ASCII pass, as the bytes of their
// UTF-8 (RFC 9110, section 5.5, calls them obs-text): people's names have them. Control characters do not, those that
// Unicode has besides ASCII's included, nor what some programs take for the end of a line.
func check(text string) error {
	if len(text) > maxValue {
		return errLong
	}
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c == 0x7f {
			return errControl
		} else if c >= utf8.RuneSelf {
			return checkAll(text)
		}
	}
	return checkEnds(text)
}

func checkAll(text string) error {
	if !utf8.ValidString(text) {
		return errControl
	}
	for _, r := range text {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return errControl
		}
	}
	return checkEnds(text)
}

// checkEnds refuses spaces that whoever reads the field takes off, so that another value than ours would be read.
func checkEnds(text string) error {
	if strings.TrimSpace(text) != text {
		return errSpace
	}
	return nil
}
