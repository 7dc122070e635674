package pace

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLower holds that the work's thread is nicer than others, and that no other becomes so.
func TestLower(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	nice := func() int32 {
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Error(err)
			return 0
		}
		return attr.Nice
	}
	before := nice()
	if before > niceness {
		t.Skipf("the tests are nicer than that: %d", before)
	}
	var inside int32
	Aside(func() { inside = nice() })
	if inside != niceness {
		t.Errorf("the work's thread has niceness %d, want %d", inside, niceness)
	}
	if after := nice(); after != before {
		t.Errorf("the caller's thread has niceness %d, and had %d", after, before)
	}
}
