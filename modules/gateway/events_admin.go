package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/wicketgate/wicketgate/internal/delivery"
	"github.com/wicketgate/wicketgate/internal/ledger"
)

// defaultList is how many events are listed where nothing else is asked for.
const defaultList = 100

// events answers what the ledger has, below /api_gateway/webhooks:
//
//	GET    /api_gateway/webhooks?state=dead&webhook=stripe&after=17&limit=100   lists events
//	GET    /api_gateway/webhooks/dead/17                                        shows one
//	POST   /api_gateway/webhooks/dead/17                                        has it delivered again
//	DELETE /api_gateway/webhooks/dead/17                                        lets go of it
func (a *admin) events(w http.ResponseWriter, r *http.Request) error {
	app, err := running()
	if err != nil {
		return err
	}
	e := app.events()
	if e == nil {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("no webhook is configured")}
	}
	s, err := e.Session()
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
	}
	answer, err := answerEvents(e, s, r)
	if err != nil {
		return caddy.APIError{HTTPStatus: statusOf(err), Err: err}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}

var errMethod = errors.New("method not allowed")

func answerEvents(e *events, s *ledger.Session, r *http.Request) (any, error) {
	ref := strings.Trim(strings.TrimPrefix(r.URL.Path, "/api_gateway/webhooks"), "/")
	switch {
	case ref == "" && r.Method == http.MethodGet:
		return listEvents(e, s, r)
	case ref == "":
		return nil, errMethod
	case r.Method == http.MethodGet:
		entry, err := s.Show(r.Context(), ref)
		if err == nil {
			e.tell(entry, map[string]map[string]delivery.Tried{})
		}
		return entry, err
	case r.Method == http.MethodPost:
		return map[string]string{"replayed": ref}, s.Replay(r.Context(), ref)
	case r.Method == http.MethodDelete:
		return map[string]string{"dropped": ref}, s.Drop(r.Context(), ref)
	}
	return nil, errMethod
}

var errQuery = errors.New("the query has state (pending, retrying, dead or delivered), webhook, after and limit")

func listEvents(e *events, s *ledger.Session, r *http.Request) (any, error) {
	query := r.URL.Query()
	limit, after := defaultList, uint64(0)
	var err error
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > ledger.MaxList {
			return nil, fmt.Errorf("%w; limit is 1 to %d", errQuery, ledger.MaxList)
		}
	}
	if text := query.Get("after"); text != "" {
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return nil, errQuery
		}
	}
	if strings.ContainsAny(query.Get("webhook"), ".*> \t\r\n") { // which say more than a name in the ledger
		return nil, errQuery
	}
	list, err := e.list(r.Context(), s, ledger.State(query.Get("state")), query.Get("webhook"), after, limit)
	if errors.Is(err, ledger.ErrRef) {
		return nil, errQuery
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}

// list is the ledger's, with what the desk knows of the attempts at events that wait.
func (e *events) list(ctx context.Context, s *ledger.Session, state ledger.State, webhook string, after uint64, most int) (*ledger.List, error) {
	list, err := s.List(ctx, state, webhook, after, most)
	if err != nil {
		return nil, err
	}
	tried := map[string]map[string]delivery.Tried{}
	for i := range list.Events {
		e.tell(&list.Events[i], tried)
	}
	return list, nil
}

// tell adds to an event that waits for another attempt what this gateway knows of those before. tried is what was asked of
// each webhook already.
func (e *events) tell(entry *ledger.Entry, tried map[string]map[string]delivery.Tried) {
	if !strings.HasPrefix(entry.Ref, string(ledger.Retrying)) {
		return
	}
	if _, asked := tried[entry.Webhook]; !asked {
		tried[entry.Webhook] = e.desk.Tried(entry.Webhook)
	}
	if how, ok := tried[entry.Webhook][entry.ID]; ok {
		entry.Attempts, entry.Reason = how.Attempts, how.Reason
	}
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, errMethod):
		return http.StatusMethodNotAllowed
	case errors.Is(err, errQuery), errors.Is(err, ledger.ErrRef):
		return http.StatusBadRequest
	case errors.Is(err, ledger.ErrGone):
		return http.StatusNotFound
	case errors.Is(err, ledger.ErrNotEnded):
		return http.StatusConflict
	}
	return http.StatusServiceUnavailable
}
