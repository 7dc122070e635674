package clock

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestMain is the process whose clocks are stepped, where it is told so: it tells the time for every line that it reads.
func TestMain(m *testing.M) {
	if os.Getenv("WICKETGATE_TELL_TIME") == "" {
		os.Exit(m.Run())
	}
	began := time.Now()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		now := time.Now()
		fmt.Println(now.UnixNano(), int64(now.Sub(began)))
	}
}

// TestSet steps the clocks of a process: its wall clock back and forth, and its steady one on.
func TestSet(t *testing.T) {
	run := exec.Command(os.Args[0])
	run.Env = append(os.Environ(), "WICKETGATE_TELL_TIME=1")
	in, err := run.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close() //nolint:errcheck // it ends the process
		if err := run.Wait(); err != nil {
			t.Error(err)
		}
	}()
	reader := bufio.NewReader(out)
	began := time.Now()
	// ahead is how far its clocks are ahead of ours.
	ahead := func() (wall, steady time.Duration) {
		t.Helper()
		if _, err := fmt.Fprintln(in); err != nil {
			t.Fatal(err)
		}
		var at, since int64
		if _, err := fmt.Fscan(reader, &at, &since); err != nil {
			t.Fatal(err)
		}
		return time.Until(time.Unix(0, at)), time.Duration(since) - time.Since(began)
	}
	if wall, _ := ahead(); wall.Abs() > time.Minute {
		t.Fatalf("before anything the process is %v ahead", wall)
	}
	clocks, err := Of(run.Process.Pid)
	if err != nil {
		t.Skip("the clocks of a process cannot be stepped here: ", err)
	}
	for _, step := range []struct{ wall, steady time.Duration }{{0, 0}, {time.Hour, 0}, {-2 * time.Hour, 0}, {0, 10 * time.Minute}, {24 * time.Hour, 24 * time.Hour}, {0, 24 * time.Hour}} {
		if err := clocks.Set(step.wall, step.steady); err != nil {
			t.Fatal(err)
		}
		wall, steady := ahead()
		if (wall-step.wall).Abs() > time.Minute || (steady-step.steady).Abs() > time.Minute {
			t.Errorf("set ahead by %v and %v, it is by %v and %v", step.wall, step.steady, wall, steady)
		}
	}
	if _, err := Of(1 << 30); err == nil {
		t.Error("a process that is not there has clocks")
	}
}
