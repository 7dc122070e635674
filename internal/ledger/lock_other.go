//go:build !unix

package ledger

import "os"

// lock keeps a file open, which Windows lets nobody remove; two processes are kept apart by whoever starts them.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return func() { f.Close() }, nil //nolint:errcheck // nothing was written
}
