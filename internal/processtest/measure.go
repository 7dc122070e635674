package processtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// admin asks Caddy's admin API. It keeps no connections, so that asking changes nothing of what is measured.
var admin = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// Ask gives what the admin API answers for a path, empty where it does not.
func (g *Gateway) Ask(path string) []byte {
	res, err := admin.Get(fmt.Sprintf("http://localhost:%d%s", g.Admin, path))
	if err != nil {
		return nil
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil || res.StatusCode != http.StatusOK {
		return nil
	}
	return text
}

// Status reads its status document into what is given, and says whether there is one.
func (g *Gateway) Status(into any) bool {
	return json.Unmarshal(g.Ask("/api_gateway/status"), into) == nil
}

// Goroutines is how many it runs; -1 where it does not say.
func (g *Gateway) Goroutines() int {
	first, _, _ := strings.Cut(string(g.Ask("/debug/pprof/goroutine?debug=1")), "\n")
	n, err := strconv.Atoi(first[strings.LastIndex(first, " ")+1:]) // goroutine profile: total 42
	if err != nil {
		return -1
	}
	return n
}

// Heap is how many bytes are in use once garbage has been collected, and how many the process has had from the system. Zero
// says that it does not say.
func (g *Gateway) Heap() (inUse, system int64) {
	for line := range strings.Lines(string(g.Ask("/debug/pprof/heap?gc=1&debug=1"))) {
		for name, to := range map[string]*int64{"# HeapAlloc = ": &inUse, "# Sys = ": &system} {
			if text, ok := strings.CutPrefix(line, name); ok {
				*to, _ = strconv.ParseInt(strings.TrimSpace(text), 10, 64) //nolint:errcheck // then it does not say
			}
		}
	}
	return inUse, system
}

// Files is how many files and sockets the process has open; -1 where the system does not say.
func (g *Gateway) Files() int {
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.PID()))
	if err != nil {
		return -1
	}
	return len(open)
}

// Resident is how many bytes of memory the process takes; -1 where the system does not say.
func (g *Gateway) Resident() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", g.PID()))
	if err != nil {
		return -1
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return -1
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return -1
	}
	return pages * int64(os.Getpagesize())
}
