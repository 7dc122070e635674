package form

import (
	"net/http"
	"strings"
	"testing"
)

func TestIsJSON(t *testing.T) {
	for kind, want := range map[string]bool{
		"application/json": true, "Application/JSON; charset=utf-8": true, "application/vnd.shop.v1+json": true, "application/problem+json": true,
		"": false, "text/json": false, "application/jsonp": false, "text/html; x=+json": false,
	} {
		if IsJSON(kind) != want {
			t.Errorf("%q: got %t", kind, !want)
		}
	}
}

func TestPut(t *testing.T) {
	for tag, want := range map[string]string{`"7"`: `"7;v1"`, `W/"7"`: `W/"7;v1"`, "": "", "no tag": "no tag"} {
		h := http.Header{"Repr-Digest": {"sha-256=:AA==:"}}
		if tag != "" {
			h.Set("Etag", tag)
		}
		Mark(";v1").Put(h)
		if got := h.Get("Etag"); got != want || h.Get("Repr-Digest") != "" {
			t.Errorf("%s: got %s, %v", tag, got, h)
		}
	}
}

func TestTake(t *testing.T) {
	tests := []struct {
		name   string
		field  string
		lines  []string
		cached bool
		want   string
	}{
		{"its own tag", "If-Match", []string{`"7;v1"`}, false, `"7"`},
		{"several, on several lines", "If-Match", []string{`"7;v1", W/"8;v1"`, `"9"`}, false, `"7", W/"8", "9"`},
		{"a comma in a tag", "If-Match", []string{`"a,b;v1","c"`}, false, `"a,b", "c"`},
		{"any", "If-None-Match", []string{"*"}, true, "*"},
		{"any, to be changed", "If-Match", []string{"*"}, false, "*"},
		{"a weak one, where the answer may be cached", "If-None-Match", []string{`W/"7;v1"`}, true, `W/"7"`},
		{"the service's own tag that looks marked", "If-Match", []string{`"7;v1;v1"`}, false, `"7;v1"`},
		{"another form's, where the answer may be cached", "If-None-Match", []string{`"7", "7;v1", "7;v2"`}, true, `"7"`},
		{"only another form's", "If-None-Match", []string{`"7;v2"`}, true, ""},
		{"another form's, where nothing is cached", "If-None-Match", []string{`"7;v2"`}, false, `"7;v2"`},
		{"a quote that is not closed", "If-Match", []string{`"7;v1`}, false, `"7;v1`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := http.Header{http.CanonicalHeaderKey(test.field): test.lines}
			Mark(";v1").Take(h, test.cached)
			if got := strings.Join(h.Values(test.field), " | "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAskWhole(t *testing.T) {
	h := http.Header{"Accept": {"application/json"}, "Accept-Encoding": {"gzip", "br"}, "Range": {"bytes=0-1"}, "If-Range": {`"7"`}, "If-Match": {`"7"`},
		"A-Im": {"feed"}, "Want-Repr-Digest": {"sha-256=1"}, "Want-Content-Digest": {"sha-256=1"}, "Want-Digest": {"md5"}}
	AskWhole(h)
	if len(h) != 3 || h.Get("Accept-Encoding") != "identity" || len(h["Accept-Encoding"]) != 1 || h.Get("If-Match") == "" || h.Get("Accept") == "" {
		t.Errorf("got %v", h)
	}
}

func TestTakeMarks(t *testing.T) {
	for _, test := range []struct{ sent, want string }{
		{`"7;~0123456789abcdef"`, `"7"`},
		{`W/"7;~0123456789abcdef", "8"`, `W/"7", "8"`},
		{`"7;~0123456789abcdef;v1"`, `"7;~0123456789abcdef;v1"`},
		{`"7;~0123456789ABCDEF"`, `"7;~0123456789ABCDEF"`},
		{`"7;~012345678abcdef"`, `"7;~012345678abcdef"`},
		{`";~0123456789abcdef"`, `""`},
		{`*`, `*`},
		{`;~0123456789abcdef"`, `;~0123456789abcdef"`},
	} {
		h := http.Header{"If-Match": {test.sent}}
		if TakeMarks(h, "If-Match", ";~", 16); h.Get("If-Match") != test.want {
			t.Errorf("%s: got %s, want %s", test.sent, h.Get("If-Match"), test.want)
		}
	}
}

func TestPrivate(t *testing.T) {
	for _, test := range []struct {
		sent []string
		want string
	}{
		{nil, "private"},
		{[]string{""}, "private"},
		{[]string{"no-store"}, "no-store"},
		{[]string{"public, max-age=60", "S-MaxAge=600"}, "max-age=60, private"},
		{[]string{"max-age=60, Private"}, "max-age=60, Private"},
		{[]string{`private="set-cookie, private", max-age=1`}, `private="set-cookie, private", max-age=1, private`},
		{[]string{`no-cache="a, no-store"`}, `no-cache="a, no-store", private`},
		{[]string{"must-revalidate"}, "must-revalidate, private"},
	} {
		h := http.Header{"Cdn-Cache-Control": {"public"}, "Surrogate-Control": {"max-age=1"}}
		if test.sent != nil {
			h["Cache-Control"] = test.sent
		}
		if Private(h); strings.Join(h["Cache-Control"], " | ") != test.want || len(h) != 1 {
			t.Errorf("%q: got %v, want %s", test.sent, h, test.want)
		}
	}
}

func TestCoded(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  bool
	}{
		{nil, false}, {[]string{""}, false}, {[]string{"identity"}, false}, {[]string{"Identity"}, false},
		{[]string{"gzip"}, true}, {[]string{"identity", "br"}, true}, {[]string{"identity, gzip"}, true},
	} {
		if got := Coded(http.Header{"Content-Encoding": test.lines}); got != test.want {
			t.Errorf("%q: got %t", test.lines, got)
		}
	}
}
