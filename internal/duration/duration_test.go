package duration_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/duration"
)

func TestJSON(t *testing.T) {
	for _, test := range []struct {
		in   string
		want time.Duration
		fail bool
	}{
		{in: `"1m30s"`, want: 90 * time.Second},
		{in: `"72h"`, want: 72 * time.Hour},
		{in: `1000`, want: time.Microsecond},
		{in: `"1 minute"`, fail: true},
		{in: `1.5`, fail: true},
		{in: `{}`, fail: true},
	} {
		var d duration.Duration
		err := json.Unmarshal([]byte(test.in), &d)
		if (err != nil) != test.fail {
			t.Errorf("%s: error %v, want an error: %v", test.in, err, test.fail)
		}
		if err != nil {
			continue
		}
		if time.Duration(d) != test.want {
			t.Errorf("%s is %v, want %v", test.in, time.Duration(d), test.want)
		}
		again, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var e duration.Duration
		if err := json.Unmarshal(again, &e); err != nil || e != d {
			t.Errorf("%s was written as %s, which reads as %v (%v)", test.in, again, e, err)
		}
	}
}

func TestString(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Minute:             "1m",
		24 * time.Hour:          "24h",
		90 * time.Second:        "1m30s",
		10 * time.Second:        "10s",
		time.Hour + time.Minute: "1h1m",
		0:                       "0s",
	} {
		if got := duration.Duration(d).String(); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}
