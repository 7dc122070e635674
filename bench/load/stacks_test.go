package main

import (
	"reflect"
	"strings"
	"testing"
)

const raw = `PeriodType: cpu nanoseconds
Period: 10000000
Time: 2026-11-29 16:08:26.259720037 +0000 UTC
Duration: 8.00
Samples:
samples/count cpu/nanoseconds
          1   10000000: 1 2 3
                thread:[7]
         17  170000000: 4 2
          2          0: 
          3          0: 6 
Locations
     1: 0x40d3ce M=1 internal/runtime/syscall/linux.Syscall6 /usr/local/go/src/internal/runtime/syscall/linux/asm_linux_amd64.s:36:0 s=27
     2: 0x50b8de M=1 github.com/wicketgate/wicketgate/internal/packed.(*List[go.shape.struct { A int }]).At /x/list.go:21:0 s=211
             github.com/wicketgate/wicketgate/internal/http1.(*Conn).Write /x/conn.go:738:0 s=736
     3: 0x1 M=1 runtime.goexit /usr/local/go/src/runtime/asm_amd64.s:1693:0 s=1692
     4: 0x2 M=1 runtime.gcAssistAlloc /usr/local/go/src/runtime/mgcmark.go:1:0 s=1
     5: 0x3 M=1 
     6: 0x0 M=1  :0:0 s=0
Mappings
1: 0x400000/0x5d02000/0x0 /x/caddy  [FN]
`

// TestStacks reads what pprof prints, and tells whose it is.
func TestStacks(t *testing.T) {
	got, err := parseStacks(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	const at, write = own + "internal/packed.(*List[go.shape.struct { A int }]).At", own + "internal/http1.(*Conn).Write"
	want := []stack{
		{[]string{"internal/runtime/syscall/linux.Syscall6", at, write, "runtime.goexit"}, []int64{1, 10000000}},
		{[]string{"runtime.gcAssistAlloc", at, write}, []int64{17, 170000000}},
		{nil, []int64{2, 0}},
		{nil, []int64{3, 0}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	for i, pkg := range []string{"internal/packed", "garbage collection", "unknown", "unknown"} {
		if _, is := got[i].place(); is != pkg {
			t.Errorf("stack %d is of %s, want %s", i, is, pkg)
		}
	}
	if !got[0].calls() || got[1].calls() {
		t.Error("who calls the system is not seen")
	}
	if _, pkg := (stack{frames: []string{"syscall.write", "net.(*conn).Write", "crypto/tls.(*Conn).Write", "net/http.(*conn).serve"}}).place(); pkg != "crypto/tls" {
		t.Errorf("what is written is of %s", pkg)
	}
}

// TestPhases reads what a trace says of collections.
func TestPhases(t *testing.T) {
	got, err := parsePhases(strings.NewReader(`M=1 P=1 G=1 Sync Time=1000 N=1
M=1 P=1 G=25 RangeBegin Time=2000 Name="GC concurrent mark phase" Scope=None
M=1 P=1 G=25 RangeBegin Time=2100 Name="stop-the-world (GC sweep termination)" Scope=Goroutine(25)
M=1 P=0 G=22 RangeBegin Time=2200 Name="GC mark assist" Scope=Goroutine(22)
M=1 P=1 G=25 RangeEnd Time=2400 Name="stop-the-world (GC sweep termination)" Scope=Goroutine(25) Attributes=[]
M=1 P=0 G=22 RangeEnd Time=2700 Name="GC mark assist" Scope=Goroutine(22) Attributes=[]
M=1 P=0 G=22 RangeEnd Time=3000 Name="GC concurrent mark phase" Scope=None Attributes=[]
M=1 P=0 G=22 StateTransition Time=5000 Resource=Goroutine(1)
`))
	if err != nil {
		t.Fatal(err)
	}
	if want := (phases{whole: 4000, cycles: 1, mark: 1000, assist: 500, stopped: 300, longest: 300}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestTable has medians, ranges, and ratios within a round.
func TestTable(t *testing.T) {
	got := table([]column{{"a", "%.0f", true}, {"b", "%.1f", false}}, []row{
		{0, "GET", "caddy", []float64{100, 1}}, {0, "GET", "wicketgate", []float64{50, 2}},
		{1, "GET", "wicketgate", []float64{80, 3}}, {1, "GET", "caddy", []float64{200, 1}},
		{2, "GET", "caddy", []float64{300, 1}}, {2, "GET", "wicketgate", []float64{300, 4}},
	}, "caddy")
	const want = "| | | a | × | b |\n|---|---|---|---|---|\n" +
		"| GET | `caddy` | 200 [100–300] | 1.00 | 1.0 |\n" +
		"| GET | `wicketgate` | 80 [50–300] | 0.50 [0.40–1.00] | 3.0 [2.0–4.0] |\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDivide(t *testing.T) {
	if got := divide([]string{"a", "b", "--", "c"}); !reflect.DeepEqual(got, [][]string{{"a", "b"}, {"c"}}) {
		t.Errorf("got %q", got)
	}
	if got := divide(nil); got != nil {
		t.Errorf("got %q", got)
	}
}
