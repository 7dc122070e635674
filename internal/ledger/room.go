package ledger

import "fmt"

// room says whether so many bytes more leave the reserve on the disk of an embedded ledger free: nil, or ErrFull. A
// cluster's servers look after their disks themselves.
func (s *Session) room(size int) error {
	if s.config.clustered() {
		return nil
	}
	if free, known := free(s.config.Folder); known && free < reserve+int64(size) {
		return fmt.Errorf("%w: its disk has less than %d MiB left", ErrFull, reserve>>20)
	}
	return nil
}
