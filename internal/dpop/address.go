package dpop

import (
	"errors"
	"net/url"

	"github.com/wicketgate/wicketgate/internal/admit"
)

// address is what a request asks for, in its one canonical form (RFC 3986, sections 6.2.2 and 6.2.3) and without query
// and fragment, so that two can be compared (RFC 9449, section 4.3).
type address struct {
	scheme, host, port, path string
}

// parseAddress reads an address as strictly as the gateway reads the requests themselves.
func parseAddress(text string) (address, error) {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.User != nil || u.Host == "" {
		return address{}, errors.New("it is not an address")
	}
	a := address{scheme: u.Scheme, port: u.Port()}
	switch {
	case a.scheme != "https" && a.scheme != "http":
		return address{}, errors.New("it is not an address of HTTP")
	case a.scheme == "https" && a.port == "443", a.scheme == "http" && a.port == "80":
		a.port = ""
	}
	host, prob := admit.Host(u.Host)
	if prob != nil {
		return address{}, errors.New(prob.Detail)
	}
	path, prob := admit.Path(u.EscapedPath(), nil)
	if prob != nil {
		return address{}, errors.New(prob.Detail)
	}
	a.host, a.path = host, path.Escaped
	return a, nil
}
