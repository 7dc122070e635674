package faults

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// answer is what came back: a status of 0 says that nothing did, or not all of it.
type answer struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// ask sends a request, with header fields written "Name: value".
func ask(client *http.Client, method, url, body string, fields ...string) answer {
	began := time.Now()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return answer{}
	}
	if body == "" {
		req.Body = http.NoBody
		req.ContentLength = 0
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{took: time.Since(began)}
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(res.Body)
	a := answer{res.StatusCode, res.Header, string(text), time.Since(began)}
	if err != nil {
		a.status = 0
	}
	return a
}

// asks sends n requests, so many at once, and gives all answers.
func asks(n, atOnce int, one func(i int) answer) []answer {
	answers := make([]answer, n)
	var next atomic.Int64
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				answers[i] = one(i)
			}
		})
	}
	all.Wait()
	return answers
}

// statuses counts answers by their status.
func statuses(answers []answer) map[int]int {
	counts := map[int]int{}
	for _, a := range answers {
		counts[a.status]++
	}
	return counts
}

// quantile is how long that part of all answers took at most.
func quantile(answers []answer, part float64) time.Duration {
	all := make([]time.Duration, len(answers))
	for i, a := range answers {
		all[i] = a.took
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(part*float64(len(all))))]
}

// rounded is a time for the table.
func rounded(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
