package form

import (
	"fmt"
	"net/http"
	"testing"
)

// The rows of RFC 9110, section 13.2.2, for a resource with the tag "7" that was changed on 1 July, for one without
// validators, and for none.
func TestPreconditions(t *testing.T) {
	const first, second = "Wed, 01 Jul 2026 00:00:00 GMT", "Thu, 02 Jul 2026 00:00:00 GMT"
	there := http.Header{"Etag": {`"7"`}, "Last-Modified": {first}}
	tests := []struct {
		fields             http.Header
		there, plain, none bool
		tagged             bool
	}{
		{http.Header{}, true, true, true, false},
		{http.Header{"If-Match": {`"7"`}}, true, false, false, true},
		{http.Header{"If-Match": {`"6", "7"`}}, true, false, false, true},
		{http.Header{"If-Match": {`"6"`, `"7"`}}, true, false, false, true},
		{http.Header{"If-Match": {`"6"`}}, false, false, false, true},
		{http.Header{"If-Match": {`W/"7"`}}, false, false, false, true},
		{http.Header{"If-Match": {``}}, false, false, false, true},
		{http.Header{"If-Match": {`*`}}, true, true, false, false},
		{http.Header{"If-None-Match": {`*`}}, false, false, true, false},
		{http.Header{"If-None-Match": {`"6"`}}, true, true, true, false},
		{http.Header{"If-None-Match": {`"6", W/"7"`}}, false, true, true, false},
		{http.Header{"If-None-Match": {``}}, true, true, true, false},
		{http.Header{"If-Unmodified-Since": {first}}, true, true, true, false},
		{http.Header{"If-Unmodified-Since": {"Tue, 30 Jun 2026 00:00:00 GMT"}}, false, true, true, false},
		{http.Header{"If-Unmodified-Since": {"yesterday"}}, true, true, true, false},
		{http.Header{"If-Match": {`"7"`}, "If-Unmodified-Since": {"Tue, 30 Jun 2026 00:00:00 GMT"}}, true, false, false, true},
		{http.Header{"If-Match": {`"7"`}, "If-None-Match": {`*`}}, false, false, false, true},
		{http.Header{"Range": {"bytes=0-1"}, "If-Range": {second}, "If-Modified-Since": {second}}, true, true, true, false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.fields), func(t *testing.T) {
			p := TakePreconditions(test.fields)
			if len(test.fields) > 0 {
				t.Errorf("left are %v", test.fields)
			}
			if got := [...]bool{p.Hold(there), p.Hold(http.Header{}), p.Hold(nil), p.Tagged()}; got != [...]bool{test.there, test.plain, test.none, test.tagged} {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestStrong(t *testing.T) {
	for tag, want := range map[string]bool{`"7"`: true, `""`: true, `W/"7"`: false, `7`: false, `"`: false, `"7`: false, `"7" "8"`: false, ``: false} {
		if Strong(tag) != want {
			t.Errorf("%s: want %t", tag, want)
		}
	}
}
