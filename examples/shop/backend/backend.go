// Package backend is the shop behind the example gateway: an HTTP service that keeps orders in memory and speaks
// only the newest shape of its API. Older shapes, versions, keys, tokens and quotas are the gateway's business;
// the shop only knows who calls, from the X-Consumer-Id that the gateway sends.
//
//	GET    /api/orders        {"data":[…]}; filters: customer.email, owner
//	POST   /api/orders        201 with Location and ETag
//	GET    /api/orders/{id}   with ETag
//	PUT    /api/orders/{id}   replaces; obeys If-Match
//	DELETE /api/orders/{id}   204; obeys If-Match
//	GET    /healthz           204
//
// Partners see and change their own orders only; another's order is as absent. Anybody else the gateway lets
// through is staff and sees all.
package backend

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 64 << 10

// partners are the consumers who see their own orders only.
var partners = []string{"acme", "globex"}

// consumerID is what a consumer may be called: it becomes part of an order's id, and so of a path.
var consumerID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// NewHandler serves the shop's API from a store.
func NewHandler(store *Store) http.Handler {
	s := shop{store}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/orders", s.as(s.list))
	mux.HandleFunc("POST /api/orders", s.as(s.create))
	mux.HandleFunc("GET /api/orders/{id}", s.as(s.read))
	mux.HandleFunc("PUT /api/orders/{id}", s.as(s.replace))
	mux.HandleFunc("DELETE /api/orders/{id}", s.as(s.remove))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return mux
}

type shop struct{ store *Store }

// refusal is an answer that is no success; its text is the detail the caller reads.
type refusal struct {
	status int
	detail string
}

func (r refusal) Error() string { return r.detail }

func refuse(status int, format string, args ...any) error {
	return refusal{status, fmt.Sprintf(format, args...)}
}

// as gives a route its caller and turns the error it returns into an answer. A request that does not say who
// calls did not come through the gateway and is refused.
func (s shop) as(route func(w http.ResponseWriter, r *http.Request, caller string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		callers := r.Header.Values("X-Consumer-Id")
		var err error
		if len(callers) != 1 || !consumerID.MatchString(callers[0]) {
			err = refuse(http.StatusUnauthorized, "X-Consumer-Id must name the caller, once")
		} else {
			err = route(w, r, callers[0])
		}
		if err != nil {
			answerError(w, err)
		}
	}
}

func (s shop) list(w http.ResponseWriter, r *http.Request, caller string) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	for name, values := range query {
		if name != "customer.email" && name != "owner" {
			return refuse(http.StatusBadRequest, "there is no query parameter %q; there are customer.email and owner", name)
		}
		if len(values) > 1 {
			return refuse(http.StatusBadRequest, "the query parameter %q is given twice", name)
		}
	}
	matches := func(name, value string) bool { return !query.Has(name) || query.Get(name) == value }
	return answer(w, http.StatusOK, struct {
		Data []Order `json:"data"`
	}{s.store.List(func(o Order) bool {
		return sees(caller, o) && matches("owner", o.Owner) && matches("customer.email", o.Customer.Email)
	})})
}

func (s shop) create(w http.ResponseWriter, r *http.Request, caller string) error {
	order, err := readOrder(w, r)
	if err != nil {
		return err
	}
	if order.Owner == "" {
		order.Owner = caller
	}
	if !consumerID.MatchString(order.Owner) {
		return refuse(http.StatusUnprocessableEntity, "owner must be a consumer's id")
	}
	if !sees(caller, order) {
		return refuse(http.StatusForbidden, "%s may not make orders of %s", caller, order.Owner)
	}
	if order, err = s.store.Add(order); err != nil {
		return err
	}
	w.Header().Set("Location", "/api/orders/"+order.ID)
	return answerOrder(w, http.StatusCreated, order)
}

func (s shop) read(w http.ResponseWriter, r *http.Request, caller string) error {
	order, err := s.store.Get(r.PathValue("id"))
	if err != nil {
		return err
	}
	if !sees(caller, order) {
		return errAbsent
	}
	return answerOrder(w, http.StatusOK, order)
}

func (s shop) replace(w http.ResponseWriter, r *http.Request, caller string) error {
	order, err := readOrder(w, r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	if order.ID != "" && order.ID != id {
		return refuse(http.StatusUnprocessableEntity, "id must be %q, as in the path, or absent", id)
	}
	owner := order.Owner
	order.ID = id
	order, err = s.store.Replace(order, func(old Order) error {
		if err := mayChange(r, caller, old); err != nil {
			return err
		}
		if owner != "" && owner != old.Owner {
			return refuse(http.StatusUnprocessableEntity, "owner must be %q, as it was, or absent", old.Owner)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return answerOrder(w, http.StatusOK, order)
}

func (s shop) remove(w http.ResponseWriter, r *http.Request, caller string) error {
	if err := s.store.Delete(r.PathValue("id"), func(old Order) error { return mayChange(r, caller, old) }); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// sees reports whether an order exists as far as the caller can tell.
func sees(caller string, o Order) bool {
	return o.Owner == caller || !slices.Contains(partners, caller)
}

// mayChange says why a caller may not write over the order as it is now: it is not theirs to see, or If-Match
// (RFC 9110, section 13.1.1) names another state of it.
func mayChange(r *http.Request, caller string, old Order) error {
	if !sees(caller, old) {
		return errAbsent
	}
	want := strings.Join(r.Header.Values("If-Match"), ",")
	if want == "" || strings.TrimSpace(want) == "*" {
		return nil
	}
	now, err := etag(old)
	if err != nil {
		return err
	}
	for tag := range strings.SplitSeq(want, ",") {
		if strings.TrimSpace(tag) == now {
			return nil
		}
	}
	return errChanged
}

// readOrder reads an order from a request: JSON of one value, known fields only, within the bounds. The id, the
// owner and the time in it are the caller's claim; id and time are the store's to give.
func readOrder(w http.ResponseWriter, r *http.Request) (Order, error) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return Order{}, refuse(http.StatusUnsupportedMediaType, "an order is sent as application/json")
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	order := Order{Status: "unverified"}
	err := decoder.Decode(&order)
	if err == nil {
		if _, more := decoder.Token(); more == nil {
			err = errors.New("something follows the order")
		} else if !errors.Is(more, io.EOF) {
			err = more
		}
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return Order{}, refuse(http.StatusRequestEntityTooLarge, "an order has at most %d bytes", maxBody)
	}
	if err != nil {
		return Order{}, refuse(http.StatusBadRequest, "the order cannot be read: %v", err)
	}
	if err := order.check(); err != nil {
		return Order{}, refuse(http.StatusUnprocessableEntity, "%v", err)
	}
	return order, nil
}

// etag returns the strong entity tag of an order: a hash of the bytes it is written as.
func etag(o Order) (string, error) {
	written, err := encode(o)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(written)
	return `"` + hex.EncodeToString(sum[:8]) + `"`, nil
}

func answerOrder(w http.ResponseWriter, status int, o Order) error {
	tag, err := etag(o)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", tag)
	return answer(w, status, o)
}

// answer writes a value as JSON. What fails before the first byte is returned; a caller who went away is not.
func answer(w http.ResponseWriter, status int, value any) error {
	written, err := encode(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(written)
	return nil
}

func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return out.Bytes(), nil
}

// answerError writes a refusal as a problem (RFC 9457) of no type of its own.
func answerError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if r := (refusal{}); errors.As(err, &r) {
		status = r.status
	} else if errors.Is(err, errAbsent) {
		status = http.StatusNotFound
	} else if errors.Is(err, errChanged) {
		status = http.StatusPreconditionFailed
	} else if errors.Is(err, errFull) {
		status = http.StatusInsufficientStorage
	}
	written, _ := json.Marshal(struct { // three plain fields cannot fail
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{http.StatusText(status), status, err.Error()})
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(append(written, '\n'))
}
