package policy

import (
	"fmt"
	"net/http"

	"github.com/open-policy-agent/opa/v1/ast"
	"golang.org/x/net/http/httpguts"
)

// What a policy may set. Far above any use, and below what would make the message too large for the next hop.
const (
	maxFields     = 64      // header fields or parameters of one kind
	maxFieldBytes = 8 << 10 // of all names and values of one kind together
)

// ofConnection are the fields that belong to one connection or frame a message (RFC 9110, section 7.6.1; RFC 9112,
// section 6). Nobody but the server and the client of HTTP sets or removes them.
var ofConnection = map[string]bool{
	"Connection": true, "Proxy-Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true, "Transfer-Encoding": true,
	"Upgrade": true, "Http2-Settings": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Content-Length": true, "Host": true,
}

// ofContent are the fields that describe a content. That of a denial is a problem, whatever a policy says.
var ofContent = map[string]bool{
	"Content-Type": true, "Content-Encoding": true, "Content-Language": true, "Content-Range": true, "Etag": true, "Last-Modified": true,
}

// readHeader reads an object of header fields, each with a string or a list of strings, or a list of such objects, as
// OPA's plugin for Envoy takes them.
func readHeader(value ast.Value) (http.Header, error) {
	fields, err := readPairs(value)
	if err != nil {
		return nil, err
	}
	header := make(http.Header, len(fields))
	for name, values := range fields {
		canonical, err := fieldName(name)
		if err != nil {
			return nil, err
		}
		if _, twice := header[canonical]; twice {
			return nil, fmt.Errorf("%s is given in two spellings", canonical)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return nil, fmt.Errorf("the value of %s has characters that no field value may have (RFC 9110, section 5.5)", canonical)
			}
		}
		header[canonical] = values
	}
	return header, nil
}

// fieldName checks the name of a header field and gives its canonical form.
func fieldName(name string) (string, error) {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return "", fmt.Errorf("%.40q is not the name of a header field (RFC 9110, section 5.1)", name)
	case ofConnection[canonical]:
		return "", fmt.Errorf("%s belongs to the connection and is not the policy's to change", canonical)
	}
	return canonical, nil
}

// readNames reads a list or set of names of header fields.
func readNames(value ast.Value) ([]string, error) {
	list, err := readStrings(value)
	if err != nil {
		return nil, err
	}
	if len(list) > maxFields {
		return nil, fmt.Errorf("there may be at most %d", maxFields)
	}
	for i := range list {
		if list[i], err = fieldName(list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// readParameters reads an object of query parameters. Any text may be one: it is encoded.
func readParameters(value ast.Value) (map[string][]string, error) {
	return readPairs(value)
}

// readParameterNames reads a list or set of names of query parameters.
func readParameterNames(value ast.Value) ([]string, error) {
	list, err := readStrings(value)
	if err == nil && len(list) > maxFields {
		err = fmt.Errorf("there may be at most %d", maxFields)
	}
	return list, err
}

// readPairs reads names with a string or a list of strings each.
func readPairs(value ast.Value) (map[string][]string, error) {
	pairs := map[string][]string{}
	bytes := 0
	add := func(key, value *ast.Term) error {
		name, ok := key.Value.(ast.String)
		if !ok {
			return fmt.Errorf("expected a string as a name, not %s", ast.ValueName(key.Value))
		}
		var values []string
		var err error
		if s, ok := value.Value.(ast.String); ok {
			values = []string{string(s)}
		} else if values, err = readStrings(value.Value); err != nil {
			return err
		}
		bytes += len(name)
		for _, v := range values {
			bytes += len(v)
		}
		pairs[string(name)] = append(pairs[string(name)], values...)
		if len(pairs) > maxFields || bytes > maxFieldBytes {
			return fmt.Errorf("there may be at most %d, of %d bytes together", maxFields, maxFieldBytes)
		}
		return nil
	}
	if object, ok := value.(ast.Object); ok {
		return pairs, object.Iter(add)
	}
	list, err := readList(value)
	if err != nil {
		return nil, fmt.Errorf("expected an object or a list of objects, not %s", ast.ValueName(value))
	}
	for i := range list.Len() {
		object, ok := list.Elem(i).Value.(ast.Object)
		if !ok {
			return nil, fmt.Errorf("expected a list of objects, not of %s", ast.ValueName(list.Elem(i).Value))
		}
		if err := object.Iter(add); err != nil {
			return nil, err
		}
	}
	return pairs, nil
}

func readStrings(value ast.Value) ([]string, error) {
	list, err := readList(value)
	if err != nil {
		return nil, err
	}
	out := make([]string, list.Len())
	for i := range out {
		s, ok := list.Elem(i).Value.(ast.String)
		if !ok {
			return nil, fmt.Errorf("expected strings, not %s", ast.ValueName(list.Elem(i).Value))
		}
		out[i] = string(s)
	}
	return out, nil
}
