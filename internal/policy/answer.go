package policy

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// What an answer may hold. More is a mistake in the policy, and a denial.
const (
	maxReasons     = 64      // entries of reasons
	maxReasonBytes = 4 << 10 // of one reason, as Rego spells it
	maxTextBytes   = 4 << 10 // of a text for the caller
)

// answerKeys are the keys an answer may have. Those of OPA's plugin for Envoy are among them.
var answerKeys = map[string]bool{
	"allow": true, "allowed": true, "reasons": true,
	"status": true, "http_status": true, "status_code": true,
	"headers": true, "response_headers_to_add": true, "request_headers_to_remove": true,
	"body": true, "message": true, "problem": true,
	"query_parameters_to_set": true, "query_parameters_to_remove": true,
	"drop": true, "mask": true, "filter": true, "limits": true, "dynamic_metadata": true,
}

// answer is a policy's answer, read.
type answer struct {
	allow, allowed *bool
	status         int
	text           string
	headers        http.Header
	addToAnswer    http.Header
	remove         []string
	query          map[string][]string
	removeQuery    []string
	problem        map[string]string

	drop, mask []string
	filters    []change.Filter
	limits     map[string]map[string]int64
}

// readAnswer fills in a verdict from the value of its query, nil for undefined. An error is a denial.
func (q *Query) readAnswer(v *exchange.Verdict, value ast.Value) error {
	switch value := value.(type) {
	case nil:
		v.Denial = problem.New(problem.Forbidden, "")
	case ast.Boolean:
		if v.Allow = bool(value); !v.Allow {
			v.Denial = problem.New(problem.Forbidden, "")
		}
	case ast.Object:
		if !q.onlyAllow {
			return q.readObject(v, value)
		}
		return errors.New("expected true or false, not object")
	default:
		return fmt.Errorf("expected an answer of true, false or an object, not %s", ast.ValueName(value))
	}
	return nil
}

func (q *Query) readObject(v *exchange.Verdict, object ast.Object) error {
	if reasons := object.Get(keyReasons); reasons != nil { // first, so that the log has them whatever else is wrong
		var err error
		if v.Reasons, err = readReasons(reasons.Value); err != nil {
			return fmt.Errorf("reading reasons: %w", err)
		}
	}
	var a answer
	err := object.Iter(func(key, value *ast.Term) error {
		name, ok := key.Value.(ast.String)
		if !ok {
			return fmt.Errorf("unexpected key %s in the answer", key)
		}
		if err := a.read(string(name), value.Value); err != nil {
			return fmt.Errorf("reading %s: %w", string(name), err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	allow, err := q.verdict(&a)
	if err != nil {
		return err
	}
	v.Limits = a.limits
	if allow {
		if v.Obligations, err = q.snapshot.hidings.of(&a); err != nil {
			return fmt.Errorf("reading obligations: %w", err)
		}
		v.UpstreamSet, v.UpstreamRemove, v.AnswerSet, v.QuerySet, v.QueryRemove = a.headers, a.remove, a.addToAnswer, a.query, a.removeQuery
		v.Allow = true
		return nil
	}
	v.Denial, err = a.denial()
	return err
}

// verdict is what allow and allowed say, which must agree if the policy has both.
func (q *Query) verdict(a *answer) (bool, error) {
	said := func(b *bool) bool { return b != nil && *b }
	both := q.bothNames || a.allow != nil && a.allowed != nil
	if both && said(a.allow) != said(a.allowed) {
		return false, errors.New("allow and allowed differ")
	}
	return said(a.allow) || said(a.allowed), nil
}

func (a *answer) read(name string, value ast.Value) (err error) {
	switch name {
	case "allow":
		a.allow, err = readBoolean(value)
	case "allowed":
		a.allowed, err = readBoolean(value)
	case "reasons": // read already
	case "status", "http_status", "status_code":
		err = a.readStatus(value)
	case "body", "message":
		err = a.readText(value)
	case "headers":
		a.headers, err = readHeader(value)
	case "response_headers_to_add":
		a.addToAnswer, err = readHeader(value)
	case "request_headers_to_remove":
		a.remove, err = readNames(value)
	case "query_parameters_to_set":
		a.query, err = readParameters(value)
	case "query_parameters_to_remove":
		a.removeQuery, err = readParameterNames(value)
	case "problem":
		a.problem, err = readProblem(value)
	case "drop":
		a.drop, err = readPointers(value)
	case "mask":
		a.mask, err = readPointers(value)
	case "filter":
		a.filters, err = readFilters(value)
	case "limits":
		a.limits, err = readLimits(value)
	case "dynamic_metadata":
		err = checkMetadata(value)
	default:
		return errors.New("unknown key")
	}
	return err
}

func readBoolean(value ast.Value) (*bool, error) {
	b, ok := value.(ast.Boolean)
	if !ok {
		return nil, fmt.Errorf("expected true or false, not %s", ast.ValueName(value))
	}
	return (*bool)(&b), nil
}

// readStatus reads the status under any of its names. Policies for Envoy give one to those who may pass, too, who get
// the service's.
func (a *answer) readStatus(value ast.Value) error {
	n, ok := value.(ast.Number)
	status, exact := n.Int()
	if !ok || !exact || status < 200 || status > 599 {
		return fmt.Errorf("expected an integer from 200 to 599, not %.40s", value)
	}
	if a.status != 0 && a.status != status {
		return errors.New("the status is given twice and differs")
	}
	a.status = status
	return nil
}

// readText reads the text for a denied caller under any of its names.
func (a *answer) readText(value ast.Value) error {
	text, err := readString(value)
	if err == nil && a.text != "" && a.text != text {
		err = errors.New("the text is given twice and differs")
	}
	a.text = text
	return err
}

func readString(value ast.Value) (string, error) {
	s, ok := value.(ast.String)
	switch {
	case !ok:
		return "", fmt.Errorf("expected a string, not %s", ast.ValueName(value))
	case len(s) > maxTextBytes:
		return "", fmt.Errorf("a text may have at most %d bytes", maxTextBytes)
	}
	return string(s), nil
}

var keyReasons = ast.StringTerm("reasons")

// readReasons reads a set or list of codes or objects, for the log alone.
func readReasons(value ast.Value) ([]any, error) {
	list, err := readList(value)
	if err != nil {
		return nil, err
	}
	if list.Len() > maxReasons {
		return nil, fmt.Errorf("there may be at most %d", maxReasons)
	}
	reasons := make([]any, list.Len())
	for i := range reasons {
		reason := list.Elem(i).Value
		switch reason.(type) {
		case ast.String, ast.Object:
		default:
			return nil, fmt.Errorf("expected strings or objects, not %s", ast.ValueName(reason))
		}
		if reason.StringLength() > maxReasonBytes {
			return nil, fmt.Errorf("a reason may have at most %d bytes", maxReasonBytes)
		}
		if reasons[i], err = ast.JSON(reason); err != nil {
			return nil, err
		}
	}
	return reasons, nil
}

// readList reads an array, or a set in its order.
func readList(value ast.Value) (*ast.Array, error) {
	switch value := value.(type) {
	case *ast.Array:
		return value, nil
	case ast.Set:
		return value.Sorted(), nil
	}
	return nil, fmt.Errorf("expected a list or a set, not %s", ast.ValueName(value))
}

// readProblem reads what a denied caller is told.
func readProblem(value ast.Value) (map[string]string, error) {
	object, ok := value.(ast.Object)
	if !ok {
		return nil, fmt.Errorf("expected an object, not %s", ast.ValueName(value))
	}
	members := make(map[string]string, 3)
	err := object.Iter(func(key, value *ast.Term) error {
		name, _ := key.Value.(ast.String)
		switch name {
		case "type", "title", "detail":
		default:
			return fmt.Errorf("unknown key %s; expected type, title or detail", key)
		}
		text, err := readString(value.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", string(name), err)
		}
		members[string(name)] = text
		return nil
	})
	if err != nil {
		return nil, err
	}
	if uri, ok := members["type"]; ok {
		if _, err := url.Parse(uri); err != nil || uri == "" {
			return nil, errors.New("type must be a URI reference (RFC 9457, section 3.1.1)")
		}
	}
	return members, nil
}

// redirects are the statuses that send a client to another address (RFC 9110, section 15.4).
var redirects = map[int]bool{
	http.StatusMovedPermanently: true, http.StatusFound: true, http.StatusSeeOther: true,
	http.StatusTemporaryRedirect: true, http.StatusPermanentRedirect: true,
}

// denial makes the problem that a denied caller gets.
func (a *answer) denial() (*problem.Problem, error) {
	p := problem.New(problem.Forbidden, a.problem["detail"])
	if p.Detail == "" {
		p.Detail = a.text
	}
	switch {
	case a.status == 0 || a.status >= 400:
	case redirects[a.status] && a.headers["Location"] != nil: // to a page for logging in
	default:
		return nil, fmt.Errorf("the status of a denial is from 400 to 599, or that of a redirection with a Location, not %d", a.status)
	}
	switch a.status {
	case 0, http.StatusForbidden:
	case http.StatusUnauthorized:
		p.Type = problem.Unauthorized
	case http.StatusNotFound: // what may not be seen is not there
		p.Type = problem.NotFound
	default: // RFC 9457, section 4.2.1: no more is known than the status says
		p.Status, p.URI, p.Title = a.status, "about:blank", http.StatusText(a.status)
		if p.Title == "" {
			p.Title = "Denied"
		}
	}
	if uri := a.problem["type"]; uri != "" {
		p.URI = uri
	}
	if title := a.problem["title"]; title != "" {
		p.Title = title
	}
	for name := range a.headers {
		if ofContent[name] {
			return nil, fmt.Errorf("reading headers: %s of a denial is not the policy's to say", name)
		}
	}
	p.Header = a.headers
	return p, nil
}
