package backend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// noon is when every test takes place.
var noon = time.Date(2026, time.November, 2, 12, 0, 0, 123456789, time.UTC)

func newShop() http.Handler { return NewHandler(NewStore(func() time.Time { return noon })) }

// call sends one request; headers are "Name: value".
func call(shop http.Handler, method, target, caller, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if caller != "" {
		r.Header.Set("X-Consumer-Id", caller)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	shop.ServeHTTP(w, r)
	return w
}

const (
	adas = `{"id":"acme-1001","owner":"acme","customer":{"name":"Ada","email":"ada@example.org"},"status":"verified",` +
		`"currency":"EUR","total":{"amount":1230},"lines":[{"sku":"A-1","qty":2}],"created":"2026-10-01T09:30:00Z"}`
	graces = `{"id":"globex-1001","owner":"globex","customer":{"name":"Grace","email":"grace@example.org"},"status":"unverified",` +
		`"currency":"USD","total":{"amount":99900},"lines":[{"sku":"B-7","qty":1},{"sku":"C-2","qty":12}],"created":"2026-10-02T14:00:00Z"}`
	bobs = `{"customer":{"name":"Bob","email":"bob@example.org"},"status":"verified","currency":"EUR","total":{"amount":5},"lines":[{"sku":"A-1","qty":1}]}`
)

func TestWhoSeesWhat(t *testing.T) {
	for _, test := range []struct {
		name, target, caller string
		status               int
		body                 string // exact, but for the newline; "" is not looked at
	}{
		{"a partner lists their own", "/api/orders", "acme", 200, `{"data":[` + adas + `]}`},
		{"the other partner theirs", "/api/orders", "globex", 200, `{"data":[` + graces + `]}`},
		{"staff lists all", "/api/orders", "ada", 200, `{"data":[` + adas + `,` + graces + `]}`},
		{"staff narrows to one owner", "/api/orders?owner=globex", "ada", 200, `{"data":[` + graces + `]}`},
		{"a filter shows a partner no more", "/api/orders?owner=globex", "acme", 200, `{"data":[]}`},
		{"by the customer's address", "/api/orders?customer.email=ada@example.org", "ada", 200, `{"data":[` + adas + `]}`},
		{"an address nobody has", "/api/orders?customer.email=eve@example.org", "ada", 200, `{"data":[]}`},
		{"the first version's filter is not known", "/api/orders?customer_email=ada@example.org", "ada", 400, ""},
		{"a filter given twice", "/api/orders?owner=acme&owner=globex", "ada", 400, ""},
		{"a query that cannot be read", "/api/orders?owner=%zz", "ada", 400, ""},
		{"a partner reads their own", "/api/orders/acme-1001", "acme", 200, adas},
		{"another's is as absent", "/api/orders/globex-1001", "acme", 404, `{"title":"Not Found","status":404,"detail":"there is no such order"}`},
		{"absent", "/api/orders/acme-7", "acme", 404, ""},
		{"staff reads any", "/api/orders/globex-1001", "ada", 200, graces},
		{"not through the gateway", "/api/orders", "", 401, ""},
		{"a name that is no name", "/api/orders", "a/../b", 401, ""},
		{"health needs no name", "/healthz", "", 204, ""},
		{"no route", "/api/invoices", "acme", 404, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := call(newShop(), "GET", test.target, test.caller, "")
			if w.Code != test.status {
				t.Errorf("status %d, want %d: %s", w.Code, test.status, w.Body)
			}
			if got := strings.TrimSuffix(w.Body.String(), "\n"); test.body != "" && got != test.body {
				t.Errorf("body\n%s\nwant\n%s", got, test.body)
			}
		})
	}
}

func TestOneOrderLives(t *testing.T) {
	shop := newShop()
	w := call(shop, "POST", "/api/orders", "acme", bobs)
	if w.Code != 201 || w.Header().Get("Location") != "/api/orders/acme-1002" {
		t.Fatalf("POST: %d, Location %q: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	var made Order
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	if made.ID != "acme-1002" || made.Owner != "acme" || !made.Created.Equal(noon.Truncate(time.Second)) {
		t.Errorf("POST answers %+v", made)
	}
	first := w.Header().Get("ETag")
	read := call(shop, "GET", "/api/orders/acme-1002", "acme", "")
	if read.Header().Get("ETag") != first || read.Body.String() != w.Body.String() {
		t.Errorf("GET answers %s %s, POST answered %s %s", read.Header().Get("ETag"), read.Body, first, w.Body)
	}

	whole := strings.Replace(strings.TrimSuffix(read.Body.String(), "\n"), "Bob", "Robert", 1)
	put := call(shop, "PUT", "/api/orders/acme-1002", "acme", whole, "If-Match: "+first)
	if put.Code != 200 || put.Body.String() != whole+"\n" || put.Header().Get("ETag") == first {
		t.Errorf("PUT: %d %s %s", put.Code, put.Header().Get("ETag"), put.Body)
	}
	for name, attempt := range map[string]*httptest.ResponseRecorder{
		"PUT":    call(shop, "PUT", "/api/orders/acme-1002", "acme", whole, "If-Match: "+first),
		"DELETE": call(shop, "DELETE", "/api/orders/acme-1002", "acme", "", "If-Match: "+first),
	} {
		if attempt.Code != 412 {
			t.Errorf("%s with the tag of an older state: %d, want 412", name, attempt.Code)
		}
	}
	if w := call(shop, "DELETE", "/api/orders/acme-1002", "globex", ""); w.Code != 404 {
		t.Errorf("DELETE by the other partner: %d, want 404", w.Code)
	}
	if w := call(shop, "DELETE", "/api/orders/acme-1002", "acme", "", `If-Match: "x", `+put.Header().Get("ETag")); w.Code != 204 {
		t.Errorf("DELETE: %d, want 204: %s", w.Code, w.Body)
	}
	if w := call(shop, "GET", "/api/orders/acme-1002", "acme", ""); w.Code != 404 {
		t.Errorf("GET after DELETE: %d, want 404", w.Code)
	}
	if w := call(shop, "POST", "/api/orders", "acme", bobs); w.Header().Get("Location") != "/api/orders/acme-1003" {
		t.Errorf("the next order is at %q: a number was given twice or skipped", w.Header().Get("Location"))
	}
}

func TestWhatIsRefused(t *testing.T) {
	edit := func(old, new string) string {
		if !strings.Contains(bobs, old) {
			t.Fatalf("%s is not in the order", old)
		}
		return strings.Replace(bobs, old, new, 1)
	}
	for _, test := range []struct {
		name, method, target, caller, body string
		status                             int
		detail                             string // part of it
	}{
		{"no JSON", "POST", "/api/orders", "acme", "{", 400, "cannot be read"},
		{"two values", "POST", "/api/orders", "acme", bobs + bobs, 400, "something follows"},
		{"rubbish after the value", "POST", "/api/orders", "acme", bobs + "]", 400, "cannot be read"},
		{"a field of an older version", "POST", "/api/orders", "acme", edit(`"customer":{`, `"customer_name":"Bob","customer":{`), 400, `"customer_name"`},
		{"too long", "POST", "/api/orders", "acme", edit("Bob", strings.Repeat("b", maxBody)), 413, "65536 bytes"},
		{"no name", "POST", "/api/orders", "acme", edit(`"name":"Bob",`, ""), 422, "customer.name"},
		{"a name too long", "POST", "/api/orders", "acme", edit("Bob", strings.Repeat("ö", 201)), 422, "customer.name"},
		{"no address", "POST", "/api/orders", "acme", edit("bob@example.org", "bob"), 422, "customer.email"},
		{"a status of no meaning", "POST", "/api/orders", "acme", edit(`"verified"`, `"lost"`), 422, "status"},
		{"an empty note", "POST", "/api/orders", "acme", edit(`"customer":{`, `"note":"","customer":{`), 422, "note"},
		{"a currency in small letters", "POST", "/api/orders", "acme", edit("EUR", "eur"), 422, "currency"},
		{"an amount below nothing", "POST", "/api/orders", "acme", edit(`"amount":5`, `"amount":-5`), 422, "total.amount"},
		{"an amount with a fraction", "POST", "/api/orders", "acme", edit(`"amount":5`, `"amount":5.5`), 400, "amount"},
		{"no lines", "POST", "/api/orders", "acme", edit(`[{"sku":"A-1","qty":1}]`, `[]`), 422, "lines must have"},
		{"too many lines", "POST", "/api/orders", "acme", edit(`[{`, `[`+strings.Repeat(`{"sku":"A-1","qty":1},`, 100)+`{`), 422, "lines must have"},
		{"no quantity", "POST", "/api/orders", "acme", edit(`"qty":1`, `"qty":0`), 422, "lines[0].qty"},
		{"all mistakes at once", "POST", "/api/orders", "acme", edit(`"EUR","total":{"amount":5}`, `"","total":{"amount":-1}`), 422, "total.amount must not be negative"},
		{"a partner for another", "POST", "/api/orders", "acme", edit(`{"customer"`, `{"owner":"globex","customer"`), 403, "may not"},
		{"an owner that is no name", "POST", "/api/orders", "ada", edit(`{"customer"`, `{"owner":"a/b","customer"`), 422, "owner"},
		{"what is not there", "PUT", "/api/orders/acme-9", "acme", bobs, 404, "no such order"},
		{"what is another's", "PUT", "/api/orders/globex-1001", "acme", bobs, 404, "no such order"},
		{"another id than the path's", "PUT", "/api/orders/acme-1001", "acme", edit(`{"customer"`, `{"id":"acme-2","customer"`), 422, "as in the path"},
		{"another owner than before", "PUT", "/api/orders/acme-1001", "ada", edit(`{"customer"`, `{"owner":"globex","customer"`), 422, "as it was"},
		{"nothing to delete", "DELETE", "/api/orders/acme-9", "acme", "", 404, "no such order"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := call(newShop(), test.method, test.target, test.caller, test.body)
			var problem struct {
				Status int
				Detail string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
				t.Fatalf("%d %s: %v", w.Code, w.Body, err)
			}
			if w.Code != test.status || problem.Status != test.status || !strings.Contains(problem.Detail, test.detail) {
				t.Errorf("%d %+v, want %d with %q", w.Code, problem, test.status, test.detail)
			}
			if kind := w.Header().Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("Content-Type %q", kind)
			}
		})
	}
	if w := call(newShop(), "POST", "/api/orders", "acme", bobs, "Content-Type: text/plain"); w.Code != 415 {
		t.Errorf("an order as text/plain: %d, want 415", w.Code)
	}
}

func TestStaffMakesAPartnersOrder(t *testing.T) {
	shop := newShop()
	w := call(shop, "POST", "/api/orders", "ada", strings.Replace(bobs, `{"customer"`, `{"owner":"globex","customer"`, 1))
	if w.Code != 201 || w.Header().Get("Location") != "/api/orders/globex-1002" {
		t.Fatalf("%d %q: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	if w := call(shop, "GET", "/api/orders/globex-1002", "globex", ""); w.Code != 200 {
		t.Errorf("its owner does not see it: %d", w.Code)
	}
}

func TestTheStoreIsBounded(t *testing.T) {
	store := NewStore(func() time.Time { return noon })
	for range maxOrders - 2 { // two are there from the start
		if _, err := store.Add(Order{Owner: "acme"}); err != nil {
			t.Fatal(err)
		}
	}
	shop := NewHandler(store)
	if w := call(shop, "POST", "/api/orders", "acme", bobs); w.Code != http.StatusInsufficientStorage {
		t.Errorf("one order more: %d, want 507", w.Code)
	}
	if w := call(shop, "DELETE", "/api/orders/acme-1001", "acme", ""); w.Code != 204 {
		t.Fatalf("DELETE in a full store: %d", w.Code)
	}
	if w := call(shop, "POST", "/api/orders", "acme", bobs); w.Code != 201 {
		t.Errorf("an order after one was deleted: %d, want 201", w.Code)
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	shop := newShop()
	const callers, each = 8, 25
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			me := fmt.Sprintf("clerk-%d", i)
			for range each {
				w := call(shop, "POST", "/api/orders", me, bobs)
				at := w.Header().Get("Location")
				if w := call(shop, "PUT", at, me, bobs); w.Code != 200 {
					t.Errorf("PUT %s: %d", at, w.Code)
				}
				call(shop, "GET", "/api/orders?owner="+me, me, "")
			}
		})
	}
	group.Wait()
	var all struct{ Data []Order }
	if err := json.Unmarshal(call(shop, "GET", "/api/orders", "staff", "").Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, o := range all.Data {
		seen[o.ID] = true
	}
	if len(seen) != 2+callers*each {
		t.Errorf("%d orders of different ids, want %d", len(seen), 2+callers*each)
	}
}

// A note that is absent or null is none, and is not shown.
func TestNotes(t *testing.T) {
	shop := newShop()
	noted := strings.Replace(bobs, `"status"`, `"note":"fragile","status"`, 1)
	for _, test := range []struct{ body, want string }{
		{noted, `"note":"fragile"`},
		{strings.Replace(noted, `"fragile"`, `null`, 1), ""},
		{noted, `"note":"fragile"`},
		{bobs, ""},
	} {
		w := call(shop, "PUT", "/api/orders/acme-1001", "acme", test.body)
		read := call(shop, "GET", "/api/orders/acme-1001", "acme", "")
		if w.Code != 200 || !strings.Contains(read.Body.String(), test.want) || strings.Contains(read.Body.String(), "note") != (test.want != "") {
			t.Errorf("%s: %d, and then %s", test.body, w.Code, read.Body)
		}
	}
}
