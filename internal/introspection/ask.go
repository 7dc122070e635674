package introspection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// bounds are those of the JSON in an answer.
var bounds = jsonspan.Bounds{Depth: 32, Number: 40}

// guarded is post. A panic, of a library that reads what the server says, is a failure like others: no server is around it
// that would keep the process alive.
func (i *Client) guarded(ctx context.Context, token string) (a *Answer, err error) {
	defer func() {
		if recover() != nil { // with what, may be of the token
			a, err = nil, errors.New("asking the introspection endpoint ended in a panic")
		}
	}()
	return i.post(ctx, token)
}

// post asks the server for a token (RFC 7662, section 2.1). No error quotes anything that it says.
func (i *Client) post(ctx context.Context, token string) (*Answer, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url, nil)
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	if err := i.prove(r, form); err != nil {
		return nil, err
	}
	body := form.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "wicketgate")
	res, err := i.http.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // whose address may have a query
			err = wrapped.Err
		}
		return nil, fmt.Errorf("the introspection endpoint cannot be asked: %w", err)
	}
	defer res.Body.Close() //nolint:errcheck // read as far as it is of use
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the introspection endpoint answers %d", res.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, errors.New("the introspection endpoint does not answer JSON")
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if ctx.Err() != nil { // a part of an answer may look like its end
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("the introspection endpoint's answer breaks off: %w", err)
	}
	return read(raw)
}

// read reads an answer (RFC 7662, section 2.2).
func read(raw []byte) (*Answer, error) {
	if len(raw) > maxAnswer {
		return nil, fmt.Errorf("the introspection endpoint's answer has more than %d bytes", maxAnswer)
	}
	if err := jsonspan.Check(raw, bounds); err != nil {
		return nil, fmt.Errorf("the introspection endpoint's answer is not strict JSON: %w", err)
	}
	value, err := jsonspan.Decode(raw)
	if err != nil {
		return nil, errors.New("the introspection endpoint's answer is not strict JSON")
	}
	all, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("the introspection endpoint's answer is not an object")
	}
	active, ok := all["active"].(bool)
	if !ok {
		return nil, errors.New("the introspection endpoint does not say whether the token is active")
	}
	if !active {
		return &Answer{}, nil
	}
	a := &Answer{Active: true, Claims: all, size: len(raw)}
	if exp, ok := all["exp"]; ok {
		var seconds float64
		switch n := exp.(type) {
		case int:
			seconds = float64(n)
		case float64:
			seconds = n
		}
		const most = 253402300799 // the end of the year 9999
		if !(seconds > 0 && seconds <= most) {
			return nil, errors.New("the introspection endpoint's answer has an exp that is not a date")
		}
		a.expires = time.Unix(int64(seconds), 0)
	}
	return a, nil
}
