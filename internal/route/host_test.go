package route

import "testing"

func TestMisdirected(t *testing.T) {
	api := func(name, base string, hosts ...string) API {
		return API{Name: name, Hosts: hosts, BasePath: base, Routes: []Route{{Pattern: "GET /orders"}}}
	}
	tests := []struct {
		name string
		apis []API
		host string
		want bool
	}{
		{"a host of an API", []API{api("a", "/a", "a.example"), api("b", "/b", "b.example")}, "b.example", false},
		{"a host of none", []API{api("a", "/a", "a.example"), api("b", "/b", "b.example")}, "c.example", true},
		{"an API for every host", []API{api("a", "/a", "a.example"), api("b", "/b")}, "c.example", false},
		{"an API for every host and path", []API{api("a", "/")}, "c.example", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table, err := New(test.apis)
			if err != nil {
				t.Fatal(err)
			}
			if got := table.Misdirected(test.host); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
