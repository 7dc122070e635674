package status

import (
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Bounds of the document: 1,000 entries of a list, 2 KiB of a text.
const (
	maxList = 1000
	maxText = 2 << 10
)

// What an address in somebody's error may hold that nobody should see: a user with a password, and a query.
var (
	userOf  = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/@\s"']*@`)
	queryOf = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s?"']*)\?[^\s"']*`)
)

// Bounded gives the document as it may be shown: within its bounds, and each text as hide gives it, without what may be
// secret in addresses. The document itself stays as it is, since parts of it are others' too.
func (s *Status) Bounded(hide func(string) string) *Status {
	b := bounding{hide, map[string]int{}}
	shown := b.value(reflect.ValueOf(s), "").Interface().(*Status)
	if len(b.leftOut) > 0 {
		shown.LeftOut = b.leftOut
	}
	return shown
}

// bounding copies a document.
type bounding struct {
	hide    func(string) string
	leftOut map[string]int
}

// value gives a copy of a value, which is called name in the document.
func (b *bounding) value(v reflect.Value, name string) reflect.Value {
	to := reflect.New(v.Type()).Elem()
	to.Set(v)
	switch v.Kind() {
	case reflect.String:
		to.SetString(Shown(v.String(), b.hide))
	case reflect.Pointer:
		if !v.IsNil() {
			to.Set(reflect.New(v.Type().Elem()))
			to.Elem().Set(b.value(v.Elem(), name))
		}
	case reflect.Slice:
		if v.IsNil() {
			break
		}
		n := min(v.Len(), maxList)
		if more := v.Len() - n; more > 0 {
			b.leftOut[name] += more
		}
		to.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			to.Index(i).Set(b.value(v.Index(i), name))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue // of a time, or of what spells itself
			}
			inner, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			to.Field(i).Set(b.value(v.Field(i), inner))
		}
	}
	return to
}

// Shown is a text as it may be shown.
func Shown(text string, hide func(string) string) string {
	if strings.Contains(text, "://") {
		text = queryOf.ReplaceAllString(userOf.ReplaceAllString(text, "$1"), "$1")
	}
	if hide != nil {
		text = hide(text)
	}
	if len(text) > maxText {
		cut := maxText
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return text
}
