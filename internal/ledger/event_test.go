package ledger

import (
	"encoding/binary"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/tracing"
)

// Events that were stored before they kept traces are read as they were; those of today keep theirs.
func TestStoredEvents(t *testing.T) {
	before := `{"id":"evt_1","webhook":"stripe","kind":"paid","key":"k","received":"2026-01-02T03:04:05Z","header":{"A":["b"]},"query":"c=d"}`
	data := append(binary.BigEndian.AppendUint32([]byte{version}, uint32(len(before))), before+"body"...)
	old := Event{ID: "evt_1", Webhook: "stripe", Kind: "paid", Key: "k", Received: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Header: http.Header{"A": {"b"}}, Query: "c=d", Body: []byte("body")}
	got, err := decode(data)
	if err != nil || !reflect.DeepEqual(*got, old) {
		t.Errorf("%+v, %v", got, err)
	}
	if again, err := old.encode(); err != nil || string(again) != string(data) {
		t.Errorf("without a trace it is stored as %s, %v", again, err)
	}
	traced := old
	traced.Trace = tracing.Context{Parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", State: "a=1"}
	data, err = traced.encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decode(data); err != nil || !reflect.DeepEqual(*got, traced) {
		t.Errorf("%+v, %v", got, err)
	}
}
