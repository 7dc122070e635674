package policy

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// part is a set of parts of the input document.
type part uint32

const (
	partMethod part = 1 << iota
	partPath
	partSegments
	partQuery
	partHeaders
	partHost
	partScheme
	partBody
	partAddress
	partAPI
	partVersion
	partRoute
	partParameters
	partConsumerID
	partConsumerName
	partConsumerMethod
	partClaims
	partScopes
	partGroups
	partTime

	partsRequest  = partAPI - 1
	partsAPI      = partConsumerID - partAPI
	partsConsumer = partTime - partConsumerID
)

// parts says where each part stands in the input document. InputSchema says the same to authors; a test compares.
var parts = []struct {
	part part
	path []string
}{
	{partMethod, []string{"request", "method"}},
	{partPath, []string{"request", "path"}},
	{partSegments, []string{"request", "segments"}},
	{partQuery, []string{"request", "query"}},
	{partHeaders, []string{"request", "headers"}},
	{partHost, []string{"request", "host"}},
	{partScheme, []string{"request", "scheme"}},
	{partBody, []string{"request", "body"}},
	{partAddress, []string{"request", "address"}},
	{partAPI, []string{"api", "name"}},
	{partVersion, []string{"api", "version"}},
	{partRoute, []string{"api", "route"}},
	{partParameters, []string{"api", "parameters"}},
	{partConsumerID, []string{"consumer", "id"}},
	{partConsumerName, []string{"consumer", "name"}},
	{partConsumerMethod, []string{"consumer", "method"}},
	{partClaims, []string{"consumer", "claims"}},
	{partScopes, []string{"consumer", "scopes"}},
	{partGroups, []string{"consumer", "groups"}},
	{partTime, []string{"time"}},
}

// The names of the input document, made once.
var (
	keyRequest, keyAPI, keyConsumer, keyTime             = name("request"), name("api"), name("consumer"), name("time")
	keyMethod, keyPath, keySegments, keyQuery            = name("method"), name("path"), name("segments"), name("query")
	keyHeaders, keyHost, keyScheme, keyBody              = name("headers"), name("host"), name("scheme"), name("body")
	keyAddress, keyName, keyVersion, keyRoute            = name("address"), name("name"), name("version"), name("route")
	keyParameters, keyID, keyClaims, keyScopes, keyGroup = name("parameters"), name("id"), name("claims"), name("scopes"), name("groups")
)

func name(s string) *ast.Term { return ast.StringTerm(s) }

// headerKey is a header field that a policy names: how the policy spells it, and how the exchange does.
type headerKey struct {
	key       *ast.Term
	canonical string
}

func headerKeys(names map[string]struct{}) []headerKey {
	keys := make([]headerKey, 0, len(names))
	for n := range names {
		if n == strings.ToLower(n) { // else it names nothing, since input has lower case only
			keys = append(keys, headerKey{ast.StringTerm(n), http.CanonicalHeaderKey(n)})
		}
	}
	return keys
}

// input builds the parts of the input document that a query reaches, straight into the values that policies compute
// with. The body, if reached, must be JSON; an error about it is a problem for the client.
func (q *Query) input(x *exchange.Exchange) (ast.Value, error) {
	var top fieldList
	if q.reach.parts&partsRequest != 0 {
		request, err := q.request(x)
		if err != nil {
			return nil, err
		}
		top.add(keyRequest, request)
	}
	if q.reach.parts&partsAPI != 0 {
		top.add(keyAPI, q.api(x))
	}
	if q.reach.parts&partsConsumer != 0 && x.Consumer != nil {
		consumer, err := q.consumer(x.Consumer)
		if err != nil {
			return nil, err
		}
		top.add(keyConsumer, consumer)
	}
	if q.reach.parts&partTime != 0 {
		top.add(keyTime, ast.Number(strconv.FormatInt(x.Time.UnixNano(), 10)))
	}
	return top.object(), nil
}

// fieldList gathers the members of one object of the input document; none has more than 9.
type fieldList struct {
	members [9][2]*ast.Term
	n       int
}

func (f *fieldList) add(key *ast.Term, value ast.Value) {
	f.members[f.n] = [2]*ast.Term{key, ast.NewTerm(value)}
	f.n++
}

func (f *fieldList) object() ast.Value { return ast.NewObject(f.members[:f.n]...) }

func (q *Query) request(x *exchange.Exchange) (ast.Value, error) {
	var f fieldList
	reached := q.reach.parts
	if reached&partMethod != 0 {
		f.add(keyMethod, ast.String(x.Method))
	}
	if reached&partPath != 0 {
		f.add(keyPath, ast.String(x.Path.Escaped))
	}
	if reached&partSegments != 0 {
		f.add(keySegments, array(x.Path.Segments))
	}
	if reached&partQuery != 0 {
		f.add(keyQuery, lists(x.Query.Values(), nil))
	}
	if reached&partHeaders != 0 {
		f.add(keyHeaders, q.headers(x.Header))
	}
	if reached&partHost != 0 {
		f.add(keyHost, ast.String(x.Host))
	}
	if reached&partScheme != 0 {
		f.add(keyScheme, ast.String(x.Scheme))
	}
	if reached&partBody != 0 && len(x.Body.Bytes) > 0 {
		body, err := ast.ValueFromReader(bytes.NewReader(x.Body.Bytes))
		if err != nil {
			return nil, problem.New(problem.InvalidBody, "the body has a number that is too large").Because(err)
		}
		f.add(keyBody, body)
	}
	if reached&partAddress != 0 && x.Client.IsValid() {
		f.add(keyAddress, ast.String(x.Client.String()))
	}
	return f.object(), nil
}

func (q *Query) headers(h http.Header) ast.Value {
	if q.reach.everyHeader {
		return lists(h, strings.ToLower)
	}
	members := make([][2]*ast.Term, 0, len(q.headerKeys))
	for _, k := range q.headerKeys {
		if values, ok := h[k.canonical]; ok {
			members = append(members, [2]*ast.Term{k.key, ast.NewTerm(array(values))})
		}
	}
	return ast.NewObject(members...)
}

func (q *Query) api(x *exchange.Exchange) ast.Value {
	var f fieldList
	reached := q.reach.parts
	if reached&partAPI != 0 {
		f.add(keyName, ast.String(x.API))
	}
	if reached&partVersion != 0 {
		f.add(keyVersion, ast.String(x.Version))
	}
	if reached&partRoute != 0 {
		f.add(keyRoute, ast.String(x.Route))
	}
	if reached&partParameters != 0 {
		members := make([][2]*ast.Term, len(x.Parameters))
		for i, p := range x.Parameters {
			members[i] = [2]*ast.Term{ast.StringTerm(p.Name), ast.StringTerm(p.Value)}
		}
		f.add(keyParameters, ast.NewObject(members...))
	}
	return f.object()
}

func (q *Query) consumer(c *exchange.Consumer) (ast.Value, error) {
	var f fieldList
	reached := q.reach.parts
	if reached&partConsumerID != 0 {
		f.add(keyID, ast.String(c.ID))
	}
	if reached&partConsumerName != 0 {
		f.add(keyName, ast.String(c.Name))
	}
	if reached&partConsumerMethod != 0 {
		f.add(keyMethod, ast.String(c.Method))
	}
	if reached&partClaims != 0 && c.Claims != nil {
		claims, err := ast.InterfaceToValue(c.Claims)
		if err != nil {
			return nil, fmt.Errorf("reading claims: %w", err)
		}
		f.add(keyClaims, claims)
	}
	if reached&partScopes != 0 {
		f.add(keyScopes, array(c.Scopes))
	}
	if reached&partGroups != 0 {
		f.add(keyGroup, array(c.Groups))
	}
	return f.object(), nil
}

func array(values []string) ast.Value {
	terms := make([]*ast.Term, len(values))
	for i, v := range values {
		terms[i] = ast.StringTerm(v)
	}
	return ast.NewArray(terms...)
}

// lists makes an object of lists out of a header or a query, with the names as spell writes them.
func lists(m map[string][]string, spell func(string) string) ast.Value {
	members := make([][2]*ast.Term, 0, len(m))
	for n, values := range m {
		if spell != nil {
			n = spell(n)
		}
		members = append(members, [2]*ast.Term{ast.StringTerm(n), ast.NewTerm(array(values))})
	}
	return ast.NewObject(members...)
}
