package clock

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Clocks are those of a process.
type Clocks struct {
	memory string // of the process, as a file
	added  int64  // where what is added lies in it: seconds of the wall clock, and of the steady one
}

// code takes the place of clock_gettime: the kernel is asked, and seconds are added by the number of the clock. Behind
// it lie two numbers of 64 bits, for CLOCK_REALTIME and CLOCK_MONOTONIC.
var code = []byte{
	0xb8, 0xe4, 0x00, 0x00, 0x00, //       mov eax, 228 (clock_gettime)
	0x0f, 0x05, //                         syscall
	0x83, 0xff, 0x01, //                   cmp edi, 1
	0x77, 0x10, //                         ja  done
	0x89, 0xf9, //                         mov ecx, edi
	0x4c, 0x8d, 0x1d, 0x0b, 0x00, 0x00, 0x00, // lea r11, [rip+11] (what is added)
	0x49, 0x8b, 0x0c, 0xcb, //             mov rcx, [r11+rcx*8]
	0x48, 0x01, 0x0e, //                   add [rsi], rcx
	0xc3,             // done: ret
	0xcc, 0xcc, 0xcc, // what follows is aligned
}

// Of takes hold of the clocks of a process of one's own, which stands still for a moment.
func Of(pid int) (*Clocks, error) {
	start, end, err := mapping(pid)
	if err != nil {
		return nil, err
	}
	c := &Clocks{memory: "/proc/" + strconv.Itoa(pid) + "/mem"}
	image := make([]byte, end-start)
	memory, err := os.OpenFile(c.memory, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the memory of the process: %w", err)
	}
	defer memory.Close() //nolint:errcheck // it is written through
	if _, err := memory.ReadAt(image, start); err != nil {
		return nil, fmt.Errorf("reading the kernel's functions of the process: %w", err)
	}
	asked, spare, err := functions(image)
	if err != nil {
		return nil, err
	}
	// The code lies where a function is that Go programs do not call. It is written first, and what leads there last.
	at := (spare + 7) &^ 7
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return nil, err
	}
	defer syscall.Kill(pid, syscall.SIGCONT) //nolint:errcheck // it may have ended, which its user sees
	c.added = start + at + int64(len(code))
	if _, err := memory.WriteAt(append(bytes.Clone(code), make([]byte, 16)...), start+at); err != nil {
		return nil, fmt.Errorf("writing into the kernel's functions of the process: %w", err)
	}
	jump := binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(at-asked-5)) // jmp, from its end on
	if _, err := memory.WriteAt(jump, start+asked); err != nil {
		return nil, fmt.Errorf("writing into the kernel's functions of the process: %w", err)
	}
	return c, nil
}

// Set has the process read so much more than the machine's time, in whole seconds: wall is what the wall clock is ahead,
// which may be less than nothing, as where somebody corrects it; steady is what the clock that timers use is ahead, which
// is never taken back: so much time has passed.
func (c *Clocks) Set(wall, steady time.Duration) error {
	memory, err := os.OpenFile(c.memory, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("opening the memory of the process: %w", err)
	}
	defer memory.Close() //nolint:errcheck // it is written through
	added := binary.LittleEndian.AppendUint64(nil, uint64(wall/time.Second))
	added = binary.LittleEndian.AppendUint64(added, uint64(steady/time.Second))
	if _, err := memory.WriteAt(added, c.added); err != nil {
		return fmt.Errorf("setting the clocks of the process: %w", err)
	}
	return nil
}

// mapping finds where the kernel's functions lie in the process.
func mapping(pid int) (start, end int64, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/maps")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasSuffix(strings.TrimSpace(line), "[vdso]") {
			_, err = fmt.Sscanf(line, "%x-%x ", &start, &end)
			return start, end, err
		}
	}
	return 0, 0, errors.New("the kernel maps no functions into the process")
}

// functions finds the one that is asked for the time, and one whose place may be taken.
func functions(image []byte) (asked, spare int64, err error) {
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return 0, 0, fmt.Errorf("reading the kernel's functions of the process: %w", err)
	}
	symbols, err := file.DynamicSymbols()
	if err != nil {
		return 0, 0, fmt.Errorf("reading the kernel's functions of the process: %w", err)
	}
	need := uint64(len(code) + 16 + 7)
	for _, s := range symbols {
		switch {
		case s.Name == "__vdso_clock_gettime":
			asked = int64(s.Value)
		case s.Name == "__vdso_gettimeofday" && s.Size >= need:
			spare = int64(s.Value)
		}
	}
	if asked == 0 || spare == 0 {
		return 0, 0, errors.New("the kernel's functions are not those that are known")
	}
	return asked, spare, nil
}
