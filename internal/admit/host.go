package admit

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/problem"
)

// Host brings the host of a request into its one canonical form: lower case, without port and without the dot that
// ends a fully qualified name; an IPv6 address in brackets, shortest form. What is no host is a 400.
func Host(host string) (string, *problem.Problem) {
	if strings.HasPrefix(host, "[") {
		literal, port, ok := strings.Cut(host[1:], "]")
		addr, err := netip.ParseAddr(literal)
		if !ok || err != nil || !addr.Is6() || addr.Zone() != "" || port != "" && (port[0] != ':' || !validPort(port[1:])) {
			return "", badHost()
		}
		return "[" + addr.String() + "]", nil
	}
	name, port, found := strings.Cut(host, ":")
	if found && !validPort(port) {
		return "", badHost()
	}
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > 253 { // RFC 1035, section 2.3.4, without the root's dot
		return "", badHost()
	}
	label, upper := 0, false
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '.':
			if label == 0 {
				return "", badHost()
			}
			label = -1
		case 'A' <= c && c <= 'Z':
			upper = true
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return "", badHost()
		}
		if label++; label > 63 {
			return "", badHost()
		}
	}
	if label == 0 {
		return "", badHost()
	}
	if upper {
		name = strings.ToLower(name)
	}
	return name, nil
}

// portOf gives what follows a host that is one, the colon included; "" where there is no port.
func portOf(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && i < len(host)-1 && host[len(host)-1] != ']' {
		return host[i:]
	}
	return ""
}

// validPort takes the empty port too, which RFC 3986, section 3.2.3, allows.
func validPort(port string) bool {
	if port == "" {
		return true
	}
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil
}

func badHost() *problem.Problem {
	return problem.New(problem.BadRequest, "the host is not well formed")
}
