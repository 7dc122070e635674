package admit

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/problem"
)

// fields judges the header fields and takes off what is not the client's to send.
func (a *Admit) fields(r *http.Request) *problem.Problem {
	h := r.Header
	lines, size := 0, 0
	for name, values := range h {
		if lines += len(values); lines > a.config.MaxFields {
			return problem.New(problem.HeaderTooLarge, "there may be at most "+strconv.Itoa(a.config.MaxFields)+" header fields")
		}
		for _, v := range values {
			if size += len(name) + len(v) + 4; size > a.config.MaxHeader {
				return problem.New(problem.HeaderTooLarge, "header fields may have at most "+strconv.Itoa(a.config.MaxHeader)+" bytes")
			}
			if !clean(v) {
				return problem.New(problem.BadRequest, "a header field has a control character")
			}
		}
		if name == "" {
			return problem.New(problem.BadRequest, "a header field has no name")
		}
		k, disguised := a.kind(name)
		if disguised {
			return ambiguousHeader(name, "is another field's name in disguise")
		}
		switch k {
		case strip:
			delete(h, name)
		case override:
			return ambiguousHeader(name, "asks for another method than the request line")
		case once:
			if len(values) > 1 {
				return ambiguousHeader(name, "was sent more than once")
			}
		case single:
			if len(values) > 1 {
				for _, v := range values[1:] {
					if v != values[0] {
						return ambiguousHeader(name, "was sent with two different values")
					}
				}
				h[name] = values[:1:1]
			}
		case te:
			if len(values) != 1 || !strings.EqualFold(values[0], "trailers") {
				delete(h, name)
			}
		case hostField:
			for _, v := range values {
				if !strings.EqualFold(v, r.Host) {
					return ambiguousHeader(name, "names another host than the request does")
				}
			}
			delete(h, name)
		case protocol:
			if r.Method != http.MethodConnect {
				delete(h, name)
			}
		}
	}
	hop(r)
	return nil
}

// clean says whether a field's value has no control character but the tab (RFC 9110, section 5.5).
func clean(value string) bool {
	for i := 0; i < len(value); i++ {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// hop rewrites Connection and Upgrade. A proxy deletes the fields that Connection names, so that a client could take
// off the very fields a stage puts on; only words about the connection itself survive. Of the protocols to upgrade to
// only WebSocket passes: an upgrade to h2c would open a tunnel past every stage.
func hop(r *http.Request) {
	h := r.Header
	tokens, upgrades := h["Connection"], h["Upgrade"]
	if tokens == nil && upgrades == nil {
		return
	}
	var wantsClose, wantsUpgrade bool
	for _, line := range tokens {
		for token := range strings.SplitSeq(line, ",") {
			token = strings.Trim(token, " \t")
			wantsClose = wantsClose || strings.EqualFold(token, "close")
			wantsUpgrade = wantsUpgrade || strings.EqualFold(token, "upgrade")
		}
	}
	switch {
	case wantsUpgrade && r.ProtoMajor == 1 && r.Method == http.MethodGet && len(upgrades) == 1 && strings.EqualFold(upgrades[0], "websocket"):
		h["Connection"] = connectionUpgrade
		return
	case wantsClose:
		h["Connection"] = connectionClose
	case tokens != nil:
		h["Connection"] = connectionKeepAlive
	}
	delete(h, "Upgrade")
}

// Shared by all requests; a header's values are replaced, never edited.
var (
	connectionUpgrade   = []string{"Upgrade"}
	connectionClose     = []string{"close"}
	connectionKeepAlive = []string{"keep-alive"}
)

func ambiguousHeader(name, what string) *problem.Problem {
	if len(name) > 64 {
		name = name[:64] + "…"
	}
	return problem.New(problem.AmbiguousHeader, "the header field "+name+" "+what)
}
