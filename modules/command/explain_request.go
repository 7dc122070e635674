package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wicketgate/wicketgate/internal/explain"
)

// explained is the request that is to be explained, as the command's line has it.
type explained struct {
	words  []string // a method, a URL
	fields []string // "Name: value"
	body   string   // "@" and a file, or the body
	as     explain.As
	claims string
	from   string
	at     string
	har    string
	entry  int
	log    string
	id     string
	signed bool
	status int
	answer string // as body
}

func (e *explained) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&e.fields, "header", "H", nil, "A header field, \"Name: value\"; may be given again")
	f.StringVarP(&e.body, "data", "d", "", "The body, or @ and its file; JSON unless a Content-Type says otherwise")
	f.StringVar(&e.as.Consumer, "as", "", "The id of the consumer who calls, in the place of a credential")
	f.StringVar(&e.as.Identity, "identity", "", "The identity block in which the consumer is known (default: the first that the route names)")
	f.StringSliceVar(&e.as.Scopes, "scopes", nil, "The consumer's scopes")
	f.StringSliceVar(&e.as.Groups, "groups", nil, "The consumer's groups")
	f.StringVar(&e.as.Plan, "plan", "", "The consumer's plan of quotas")
	f.StringVar(&e.claims, "claims", "", "What the consumer's token says, as a JSON object")
	f.StringVar(&e.from, "from", "", "The caller's address (default: 192.0.2.1)")
	f.StringVar(&e.at, "at", "", "When the request arrives, such as 2026-11-01 or 2026-11-01T12:00:00Z (default: now)")
	f.StringVar(&e.har, "har", "", "A HAR file that holds the request")
	f.IntVar(&e.entry, "entry", 1, "Which request of the HAR file")
	f.StringVar(&e.log, "log", "", "An access log in JSON that holds the request, whose id --id names")
	f.StringVar(&e.id, "id", "", "The request_id of a request in the access log")
	f.BoolVar(&e.signed, "signed", false, "The call to a webhook is signed by its sender, whatever its header fields say")
	f.IntVar(&e.status, "status", 0, "The status that the upstream answers (default: 204, with --answer 200)")
	f.StringVar(&e.answer, "answer", "", "The body that the upstream answers, or @ and its file")
}

// maxExplained bounds a file that is read for an explanation: 64 MiB. Of a log it bounds a line.
const maxExplained = 64 << 20

// question makes a question of it.
func (e *explained) question() (*explain.Question, error) {
	q := &explain.Question{Signed: e.signed, Status: e.status}
	if err := e.request(q); err != nil {
		return nil, err
	}
	for _, f := range e.fields {
		name, value, ok := strings.Cut(f, ":")
		if !ok {
			return nil, fmt.Errorf("-H: %q is no header field: expected \"Name: value\"", f)
		}
		q.Header = append(q.Header, explain.Field{Name: name, Value: strings.TrimSpace(value)})
	}
	if err := e.consumer(q); err != nil {
		return nil, err
	}
	if e.from != "" {
		q.From = e.from
	}
	var err error
	if e.at != "" {
		q.At, err = moment(e.at)
	}
	if err == nil && e.body != "" {
		q.Body, err = content("-d", e.body)
	}
	if err == nil && e.answer != "" {
		q.Answer, err = content("--answer", e.answer)
	}
	return q, err
}

func (e *explained) consumer(q *explain.Question) error {
	if e.as.Consumer == "" {
		if e.as.Identity != "" || e.as.Scopes != nil || e.as.Groups != nil || e.as.Plan != "" || e.claims != "" {
			return errors.New("--identity, --scopes, --groups, --plan and --claims say more of the consumer, whom --as names")
		}
		return nil
	}
	as := e.as
	if e.claims != "" {
		as.Claims = json.RawMessage(e.claims)
	}
	q.As = &as
	return nil
}

// request says what is asked for.
func (e *explained) request(q *explain.Question) error {
	from := 0
	for _, given := range []bool{len(e.words) > 0, e.har != "", e.log != "" || e.id != ""} {
		if given {
			from++
		}
	}
	switch {
	case from > 1:
		return errors.New("the request is named by its method and URL, or that of --har, or that of --log and --id: not several")
	case from == 0:
		return errors.New("name the request: POST https://localhost:8443/api/v1/orders")
	case e.har != "":
		return e.recorded(q)
	case len(e.words) == 0:
		return e.logged(q)
	}
	q.URL = e.words[len(e.words)-1]
	switch {
	case len(e.words) == 2:
		q.Method = e.words[0]
	case e.body != "":
		q.Method = http.MethodPost // as curl does
	}
	return nil
}

// content is a body as it is written on the line.
func content(flag, written string) ([]byte, error) {
	name, ok := strings.CutPrefix(written, "@")
	if !ok {
		return []byte(written), nil
	}
	body, err := readBounded(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return body, nil
}

func readBounded(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxExplained+1))
	if err == nil && len(text) > maxExplained {
		err = fmt.Errorf("%s has more than 64 MiB", name)
	}
	return text, err
}

// moment reads a time, or a day in UTC.
func moment(text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--at: %q is no time: expected 2026-11-01 or 2026-11-01T12:00:00Z", text)
}

// harFile is as much of an HTTP Archive 1.2 as a request needs.
type harFile struct {
	Log struct {
		Entries []struct {
			Request struct {
				Method   string          `json:"method"`
				URL      string          `json:"url"`
				Headers  []explain.Field `json:"headers"`
				PostData *struct {
					Text string `json:"text"`
				} `json:"postData"`
			} `json:"request"`
		} `json:"entries"`
	} `json:"log"`
}

// recorded takes the request from a HAR file.
func (e *explained) recorded(q *explain.Question) error {
	text, err := readBounded(e.har)
	if err != nil {
		return fmt.Errorf("--har: %w", err)
	}
	var file harFile
	if err := json.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("--har: %s is no HAR file: %w", e.har, err)
	}
	all := file.Log.Entries
	if e.entry < 1 || e.entry > len(all) {
		return fmt.Errorf("--entry: %s has %d requests, and no number %d", e.har, len(all), e.entry)
	}
	from := all[e.entry-1].Request
	q.Method, q.URL = from.Method, from.URL
	for _, h := range from.Headers {
		// Those of HTTP/2 and 3 that are no fields, and what the body says itself.
		if !strings.HasPrefix(h.Name, ":") && !strings.EqualFold(h.Name, "content-length") {
			q.Header = append(q.Header, h)
		}
	}
	if from.PostData != nil && from.PostData.Text != "" {
		q.Body = []byte(from.PostData.Text)
	}
	return nil
}

// loggedLine is as much of a line of Caddy's access log as a request needs.
type loggedLine struct {
	TS      json.RawMessage `json:"ts"`
	Request struct {
		ClientIP string      `json:"client_ip"`
		Method   string      `json:"method"`
		Host     string      `json:"host"`
		URI      string      `json:"uri"`
		Headers  http.Header `json:"headers"`
	} `json:"request"`
	Gateway struct {
		ID       string `json:"request_id"`
		Consumer string `json:"consumer"`
	} `json:"api_gateway"`
}

// logged takes the request from an access log, which has neither credentials nor bodies: who called is known all the same.
func (e *explained) logged(q *explain.Question) error {
	if e.log == "" || e.id == "" {
		return errors.New("--log and --id name a request together: the access log, and the request_id in it")
	}
	file, err := os.Open(e.log)
	if err != nil {
		return fmt.Errorf("--log: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxExplained)
	for lines.Scan() {
		var l loggedLine
		if !bytes.Contains(lines.Bytes(), []byte(e.id)) || json.Unmarshal(lines.Bytes(), &l) != nil || l.Gateway.ID != e.id {
			continue
		}
		return e.fill(q, &l)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("--log: %w", err)
	}
	return fmt.Errorf("--id: no line of %s, in JSON, has the request_id %s", e.log, e.id)
}

// fill makes the question of a line.
func (e *explained) fill(q *explain.Question, l *loggedLine) error {
	q.Method, q.URL, q.From = l.Request.Method, "https://"+l.Request.Host+l.Request.URI, l.Request.ClientIP
	for name, values := range l.Request.Headers {
		for _, v := range values {
			if v != "REDACTED" && !strings.EqualFold(name, "content-length") {
				q.Header = append(q.Header, explain.Field{Name: name, Value: v})
			}
		}
	}
	if l.Gateway.Consumer != "" {
		q.As = &explain.As{Consumer: l.Gateway.Consumer}
	}
	if e.at != "" { // which goes first
		return nil
	}
	var seconds float64
	if json.Unmarshal(l.TS, &seconds) == nil {
		q.At = time.UnixMicro(int64(seconds * 1e6))
		return nil
	}
	if json.Unmarshal(l.TS, &q.At) != nil {
		return fmt.Errorf("--log: %s is no time of which the year, the day and the zone are known: say with --at when the request came", l.TS)
	}
	return nil
}
