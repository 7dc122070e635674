package decisionlog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// spool is a folder of chunks that wait to be sent, each a file. A chunk is there as a whole or not at all, whenever
// the process or the machine ends. Several spools may share a folder, for the time in which one configuration follows
// the other: a chunk may then be sent twice, and none is lost.
type spool struct {
	folder string
	max    int64 // bytes
	meter  Meter
	added  chan struct{} // holds a token when a chunk has come
	freed  chan struct{} // holds a token when a chunk has gone

	mu      sync.Mutex
	waiting []spooled // in order
	size    int64
	last    int64 // of the names given
}

// spooled is a chunk in a spool.
type spooled struct {
	name   string
	events int
	size   int64
}

// The name of a chunk is when it was made, in nanoseconds, some digits against a clash, and how many events it has.
const (
	spoolName = "%020d-%08x-%d.json.gz"
	suffix    = ".json.gz"
	unready   = ".part"
)

var errSpoolFull = errors.New("the spool is full")

func openSpool(folder string, limit int64, meter Meter) (*spool, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("opening the spool: %w", err)
	}
	s := &spool{folder: folder, max: limit, meter: meter, added: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
	if err := s.scan(); err != nil {
		return nil, fmt.Errorf("opening the spool: %w", err)
	}
	return s, nil
}

// stale is how old a file must be that nobody is writing any more.
const stale = time.Minute

// scan looks what is in the folder. What an earlier process did not finish is removed.
func (s *spool) scan() error {
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return err
	}
	var found []spooled
	size := int64(0)
	for _, entry := range entries {
		name := entry.Name()
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() { // it has just been sent, or is not ours
			continue
		}
		if strings.HasSuffix(name, unready) && time.Since(info.ModTime()) > stale {
			os.Remove(filepath.Join(s.folder, name)) //nolint:errcheck // it only lies there
		}
		var at, clash, events int64
		if n, err := fmt.Sscanf(name, spoolName, &at, &clash, &events); n != 3 || err != nil || !strings.HasSuffix(name, suffix) {
			continue
		}
		found = append(found, spooled{name, int(events), info.Size()})
		size += info.Size()
		s.last = max(s.last, at)
	}
	slices.SortFunc(found, func(a, b spooled) int { return cmp.Compare(a.name, b.name) })
	s.waiting, s.size = found, size
	s.meter.Spooled(size)
	return nil
}

// add puts a chunk into the spool and onto the disk. An empty spool takes any chunk: that of a single event, of at most
// maxEvent, may be larger than all of the spool, and would otherwise stand in the way of all that follow.
func (s *spool) add(chunk []byte, events int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size > 0 && s.size+int64(len(chunk)) > s.max {
		return errSpoolFull
	}
	s.last = max(s.last+1, time.Now().UnixNano())
	name := fmt.Sprintf(spoolName, s.last, rand.Uint32(), events) //nolint:gosec // no secret
	if err := s.write(name, chunk); err != nil {
		return fmt.Errorf("spooling: %w", err)
	}
	s.waiting = append(s.waiting, spooled{name, events, int64(len(chunk))})
	s.size += int64(len(chunk))
	s.meter.Spooled(s.size)
	signal(s.added)
	return nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (s *spool) write(name string, chunk []byte) (err error) {
	path := filepath.Join(s.folder, name)
	f, err := os.OpenFile(path+unready, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(chunk)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(path+unready, path)
	}
	if err != nil {
		os.Remove(path + unready) //nolint:errcheck // why it could not be written is told
		return err
	}
	folder, err := os.Open(s.folder)
	if err != nil {
		return nil //nolint:nilerr // a system on which folders cannot be opened
	}
	defer folder.Close() //nolint:errcheck // only synced
	if err := folder.Sync(); err != nil && !errors.Is(err, fs.ErrInvalid) {
		return nil //nolint:nilerr // a file system whose folders cannot be synced; the chunk itself is
	}
	return nil
}

// oldest gives the chunk that is to be sent first. If there seems to be none, it looks whether others put one there.
func (s *spool) oldest() (spooled, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		if err := s.scan(); err != nil {
			s.meter.Failed("reading the spool", err)
		}
	}
	if len(s.waiting) == 0 {
		return spooled{}, false
	}
	return s.waiting[0], true
}

// read gives the bytes of a chunk, or fs.ErrNotExist if another has sent it.
func (s *spool) read(c spooled) ([]byte, error) {
	if c.size > max(s.max, 2*maxEvent) {
		return nil, errors.New("it is larger than the spool may be")
	}
	return os.ReadFile(filepath.Join(s.folder, c.name))
}

// remove lets go of a chunk.
func (s *spool) remove(c spooled) error {
	err := os.Remove(filepath.Join(s.folder, c.name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.waiting, func(w spooled) bool { return w.name == c.name }); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.size -= c.size
		s.meter.Spooled(s.size)
	}
	signal(s.freed)
	return nil
}

// String tells of a chunk in logs.
func (c spooled) String() string { return c.name + " of " + strconv.Itoa(c.events) + " decisions" }
