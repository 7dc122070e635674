//go:build unix

package watch

import (
	"io/fs"
	"syscall"
)

// identity is the file's inode: a file put in another's place by rename has a new one, even with the old time.
func identity(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}
