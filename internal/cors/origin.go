package cors

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

var (
	schemePattern = regexp.MustCompile(`^[a-z][a-z0-9+.-]{0,31}$`)
	hostPattern   = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$`)
)

// usual are the ports that browsers leave out of an origin.
var usual = map[string]string{"http": "80", "https": "443"}

// CheckOrigin says what is wrong with the text of an origin; nil for one that a browser can send: scheme://host or
// scheme://host:port, all of it in lower case, or null. An origin in another spelling would never be equal to any.
func CheckOrigin(s string) error {
	if s == "null" {
		return nil
	}
	scheme, host, ok := strings.Cut(s, "://")
	if !ok || !schemePattern.MatchString(scheme) {
		return errors.New("it does not begin with a scheme in lower case, such as https://")
	}
	if strings.ContainsAny(host, "/?#@*") {
		return errors.New("an origin ends with its host or port: it has no path, no user and no wildcard")
	}
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("its host or port is not well formed")
	}
	if port := u.Port(); port != "" || strings.HasSuffix(host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
			return errors.New("its port is no number from 1 to 65535")
		}
		if port == usual[scheme] {
			return fmt.Errorf("browsers leave out the port %s of %s", port, scheme)
		}
	}
	name := u.Hostname()
	if strings.HasPrefix(host, "[") {
		if a, err := netip.ParseAddr(name); err != nil || a.Zone() != "" || a.String() != name {
			return errors.New("its host is no IPv6 address in its shortest form")
		}
		return nil
	}
	if len(name) > 253 || !hostPattern.MatchString(name) {
		return errors.New("its host is no name in lower case")
	}
	return nil
}
