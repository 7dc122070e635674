//go:build linux || darwin || freebsd

package ledger

import "syscall"

// free is how many bytes the disk of a folder has for this process; known is false where nobody can tell.
func free(folder string) (bytes int64, known bool) {
	var of syscall.Statfs_t
	if syscall.Statfs(folder, &of) != nil {
		return 0, false
	}
	return int64(of.Bavail) * int64(of.Bsize), true //nolint:unconvert,gosec // the types are others elsewhere, and no disk has 2^63 bytes
}
