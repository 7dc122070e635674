package form

import (
	"strconv"
	"testing"
)

func TestWeigh(t *testing.T) {
	for _, c := range []struct {
		accept    []string
		mediaType string
		want      int
	}{
		{nil, "application/xml", 1000},
		{[]string{""}, "application/xml", 1000},
		{[]string{"", " , "}, "application/xml", 1000},
		{[]string{"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}, "application/json", 1},
		{[]string{"application/xml"}, "application/xml", 1000},
		{[]string{"Application/XML ; q=0.5"}, "application/xml", 500},
		{[]string{"application/json, application/xml;q=0.25"}, "application/xml", 250},
		{[]string{"application/json", "application/xml;q=0.125"}, "application/xml", 125},
		{[]string{"*/*;q=0.1, application/*;q=0.2"}, "application/xml", 200},
		{[]string{"application/*;q=0.2, */*"}, "text/xml", 1000},
		{[]string{"*/*, application/xml;q=0"}, "application/xml", 0},
		{[]string{"application/xml;q=0.1, application/xml;q=0.2"}, "application/xml", 200},
		{[]string{`application/xml;a="x,application/json;q=0";q=0.3`}, "application/xml", 300},
		{[]string{`application/xml;a="x,application/json;q=0";q=0.3`}, "application/json", 0},
		{[]string{"application/xml;q=2, application/xml;q=0.0001, application/xml;q=, application/xml;q=a"}, "application/xml", 1},
		{[]string{"application/xml;charset=utf-8"}, "application/xml", 1000},
		{[]string{"application/xhtml+xml, text/*"}, "application/xml", 0},
		{[]string{",, ;q=1,application/xml"}, "application/xml", 1000},
	} {
		if got := Weigh(c.accept, c.mediaType); got != c.want {
			t.Errorf("%q gives %s the weight %d, want %d", c.accept, c.mediaType, got, c.want)
		}
	}
}

func TestQuality(t *testing.T) {
	for s, want := range map[string]int{"0": 0, "1": 1000, "0.5": 500, "0.001": 1, "1.000": 1000, "0.": 0, "0.25": 250,
		"": -1, "1.001": -1, "2": -1, "0.0001": -1, "-1": -1, ".5": -1, "0,5": -1, "0.5x": -1, "01": -1, "1e0": -1} {
		got, ok := quality(s)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("quality(%q) = %d, %v, want %d", s, got, ok, want)
		}
	}
}

func FuzzQuality(f *testing.F) {
	f.Add("0.123")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := quality(s)
		if want, err := strconv.ParseFloat(s, 64); ok && (err != nil || int(want*1000+0.5) != got) {
			t.Errorf("quality(%q) = %d, a float is %v, %v", s, got, want, err)
		}
	})
}
