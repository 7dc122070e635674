package attacks

import (
	"compress/gzip"
	"crypto/rand"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// separator divides the lines of a request in a cell.
const separator = "↵"

// lines divides a text at separators that are not part of a value, and takes a blank off either side of them.
func lines(text string) []string {
	var all []string
	depth, start := 0, 0
	for i, r := range text {
		switch r {
		case '«':
			depth++
		case '»':
			depth--
		case '↵':
			if depth == 0 {
				all = append(all, strings.TrimSuffix(text[start:i], " "))
				start = i + len(separator)
				if strings.HasPrefix(text[start:], " ") {
					start++
				}
			}
		}
	}
	return append(all, text[start:])
}

// values turns what stands in cells into bytes: of one case, since some values depend on it.
type values struct {
	g    *gateway
	host string // whom the case asks
	body string
	id   string // another for each case

	bound string // the case's token that is bound to a key, once it is made
}

func (g *gateway) values(to door) *values { return &values{g: g, host: to.host(), id: rand.Text()} }

// expand puts bytes in the place of escapes (\r \n \t \0 \\ \xHH; another backslash is one) and of values between « and ».
func (v *values) expand(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], "«"):
			inner := within(text[i:])
			b.WriteString(v.value(inner))
			i += len("«") + len(inner) + len("»")
		case text[i] == '\\' && i+1 < len(text):
			n := strings.IndexByte(`rnt0\`, text[i+1])
			if n >= 0 {
				b.WriteByte("\r\n\t\x00\\"[n])
				i += 2
				continue
			}
			if text[i+1] == 'x' && i+3 < len(text) {
				if c, err := strconv.ParseUint(text[i+2:i+4], 16, 8); err == nil {
					b.WriteByte(byte(c))
					i += 4
					continue
				}
			}
			b.WriteByte('\\')
			i++
		default:
			b.WriteByte(text[i])
			i++
		}
	}
	return b.String()
}

// within gives what is between the « that text begins with and its ».
func within(text string) string {
	depth := 0
	for i, r := range text {
		switch r {
		case '«':
			depth++
		case '»':
			if depth--; depth == 0 {
				return text[len("«"):i]
			}
		}
	}
	panic("a « without » in " + text)
}

// value gives one: its name is the first word, what follows is its argument. "100× a" is a hundred times "a".
func (v *values) value(inner string) string {
	name, argument, _ := strings.Cut(inner, " ")
	argument = v.expand(argument)
	if times, ok := strings.CutSuffix(name, "×"); ok {
		n, err := strconv.Atoi(times)
		if err != nil {
			panic(fmt.Sprintf("«%s»: %v", inner, err))
		}
		return strings.Repeat(argument, n)
	}
	made, ok := known[name]
	if !ok {
		panic(fmt.Sprintf("there is no value «%s»", name))
	}
	return made(v, argument)
}

// hangsUp stands behind bytes of which no more follow: who sends them ends the connection's way to the gateway.
const hangsUp = "\x00the end\x00"

// rowEnd divides the fields of a value that is several.
const rowEnd = "\x1e"

// known are the values that cells can name.
var known = map[string]func(v *values, argument string) string{
	"host":   func(v *values, _ string) string { return v.host },
	"port":   func(v *values, _ string) string { return strconv.Itoa(v.g.HTTPS) },
	"acme":   func(v *values, _ string) string { return v.g.secrets.printed["acme"] },
	"globex": func(v *values, _ string) string { return v.g.secrets.printed["globex"] },
	// «head POST /path» is all of a head that is good but for its end, and a length.
	"head": func(v *values, what string) string {
		head := what + " HTTP/1.1\r\nHost: " + v.host + "\r\nX-API-Key: " + v.g.secrets.printed["acme"]
		if strings.HasPrefix(what, "P") {
			head += "\r\nContent-Type: application/json"
		}
		return head
	},
	// «fields 100 a: b» is a field a hundred times.
	"fields": func(_ *values, argument string) string {
		n, line, _ := strings.Cut(argument, " ")
		return strings.TrimSuffix(strings.Repeat(line+rowEnd, integer(n)), rowEnd)
	},
	"end": func(*values, string) string { return hangsUp },
	"gzip": func(_ *values, text string) string {
		var b strings.Builder
		w := gzip.NewWriter(&b)
		io.WriteString(w, text) //nolint:errcheck // into memory
		w.Close()               //nolint:errcheck // into memory
		return b.String()
	},
	"bomb": func(*values, string) string {
		var b strings.Builder
		w := gzip.NewWriter(&b)
		w.Write(make([]byte, 4<<20)) //nolint:errcheck // into memory
		w.Close()                    //nolint:errcheck // into memory
		return b.String()
	},
	"zstd-bomb": func(*values, string) string {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			panic(err)
		}
		return string(w.EncodeAll(make([]byte, 4<<20), nil))
	},
	"id":     func(v *values, _ string) string { return v.id },
	"secret": func(v *values, kind string) string { return v.g.secrets.kinds[kind] },
	"body":   func(v *values, _ string) string { return v.body },
}

// credentials are the fields that "as" stands for.
var credentials = map[string]string{
	"nobody":  "",
	"acme":    "X-API-Key: «acme»",
	"globex":  "X-API-Key: «globex»",
	"manager": "Authorization: Bearer «token manager»",
	"clerk":   "Authorization: Bearer «token clerk»",
}
