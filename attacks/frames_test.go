package attacks

import "strings"

// frame is one of a request in HTTP/2 or HTTP/3, as the table writes it:
//
//	HEADERS GET /path ↵ name: value    the pseudo-header fields that every request has, the case's credential, and these
//	HEADERS ↵ :method: GET ↵ …         these, and nothing else
//	DATA {"a":1}
//	TRAILERS ↵ name: value
//	RST 8                              HTTP/2's RST_STREAM, or QUIC's RESET_STREAM, with a code
//	FRAME 7 1 abc                      any other: its type, its flags (HTTP/2's alone), its payload
//	PART 9 abc                         a DATA that is said to have nine bytes, has these, and is the last that comes
//	CLOSE                              the end of the connection
//	WAIT                               nothing, until the service has two bytes of the body
//
// The last frame of a case ends the stream; a + behind its name has it stay open.
type frame struct {
	kind    string
	open    bool // more may follow on the stream
	fields  []field
	payload string
	number  [2]int // of RST its code, of FRAME its type and flags, of PART its length
}

// frames reads a cell.
func (v *values) frames(cell, as string) []frame {
	parts := strings.Split(cell, "⇒")
	all := make([]frame, 0, len(parts))
	for i, part := range parts {
		rows := lines(strings.TrimSpace(part))
		word, rest, _ := strings.Cut(rows[0], " ")
		kind, open := strings.CutSuffix(word, "+")
		f := frame{kind: kind, open: open || i < len(parts)-1}
		switch kind {
		case "HEADERS", "TRAILERS":
			if rest != "" {
				method, target, _ := strings.Cut(v.expand(rest), " ")
				f.fields = []field{{":method", method}, {":scheme", "https"}, {":authority", v.host}, {":path", target}}
				if as != "" {
					rows = append(rows, as)
				}
			}
			for _, row := range rows[1:] {
				for one := range strings.SplitSeq(v.expand(row), rowEnd) {
					f.fields = append(f.fields, lower(one))
				}
			}
		case "DATA":
			f.payload = v.expand(rest)
		case "CLOSE", "WAIT":
		case "PART":
			n, payload, _ := strings.Cut(v.expand(rest), " ")
			f.number[0], f.payload = integer(n), payload
		case "RST", "FRAME":
			numbers := strings.SplitN(v.expand(rest), " ", 3)
			for n, text := range numbers[:min(2, len(numbers))] {
				f.number[n] = integer(text)
			}
			if len(numbers) == 3 {
				f.payload = numbers[2]
			}
		default:
			panic("there is no frame " + word)
		}
		all = append(all, f)
	}
	return all
}

// lower reads a field. A name that the table writes like HTTP/1.1's is in small letters here, unless it begins with a !, which
// has it stand as it is.
func lower(line string) field {
	at := strings.Index(line[min(1, len(line)):], ":") + min(1, len(line)) // a pseudo-header field begins with one
	name, value := line[:at], strings.TrimPrefix(line[at+1:], " ")
	if exact, ok := strings.CutPrefix(name, "!"); ok {
		return field{exact, value}
	}
	return field{strings.ToLower(name), value}
}

// frames writes a request of the table in those of HTTP/2 and HTTP/3.
func (r request) frames(host string) []frame {
	head := frame{kind: "HEADERS", fields: []field{{":method", r.method}, {":scheme", "https"}, {":authority", host}, {":path", r.target}}}
	if r.method == "CONNECT" {
		head.fields = []field{{":method", "CONNECT"}, {":authority", r.target}}
	}
	hosts := 0
	for _, f := range r.fields {
		if strings.EqualFold(f.name, "Host") {
			if hosts++; hosts == 1 {
				head.fields[2].value = f.value
				continue
			}
		}
		head.fields = append(head.fields, field{strings.ToLower(f.name), f.value})
	}
	if r.body == "" {
		return []frame{head}
	}
	head.open = true
	return []frame{head, {kind: "DATA", payload: r.body}}
}
