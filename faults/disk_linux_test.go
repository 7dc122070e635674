package faults

import (
	"fmt"
	"math"
	"os"
	"syscall"
	"unsafe"
)

// mount makes a small disk of its own of a folder.
func mount(folder string) (unmount func(), err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=96m"); err != nil {
		return nil, fmt.Errorf("mounting a small disk takes root and CAP_SYS_ADMIN: %w", err)
	}
	return func() { syscall.Unmount(folder, syscall.MNT_DETACH) }, nil //nolint:errcheck // the folder goes with the test
}

// grow bounds how large the gateway's files may become, which it is told no more than that a write fails.
func (gw *gateway) grow(bytes uint64) error {
	limit := syscall.Rlimit{Cur: bytes, Max: math.MaxUint64}
	if _, _, err := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(gw.PID()), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0); err != 0 {
		return err
	}
	return nil
}
