package rule

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// text gives the text of a literal part of a string, and for each of its bytes the byte of the file it was written
// at. It reads the file instead of the value, because a cty value is normalised (NFC) and a client's bytes are not.
func (l *lowering) text(e *hclsyntax.LiteralValueExpr) (string, []int) {
	value := e.Val.AsString()
	if e.SrcRange.CanSliceBytes(l.src) {
		raw := e.SrcRange.SliceBytes(l.src)
		for _, quoted := range []bool{true, false} { // a heredoc has no backslashes
			if text, offsets := unescape(raw, e.SrcRange.Start.Byte, quoted); cty.StringVal(text).RawEquals(e.Val) {
				return text, offsets
			}
		}
		return value, indented(string(raw), value, e.SrcRange.Start.Byte)
	}
	return value, make([]int, len(value)) // no place in the expression: the whole of it
}

// indented places the bytes of a heredoc of which HCL took the indentation: each line is the end of what is written.
func indented(raw, value string, start int) []int {
	offsets := make([]int, 0, len(value))
	for line := range strings.Lines(value) {
		written := raw
		if end := strings.IndexByte(raw, '\n'); end >= 0 {
			written = raw[:end+1]
		}
		skip := 0
		if strings.HasSuffix(written, line) {
			skip = len(written) - len(line)
		}
		for i := range len(line) {
			offsets = append(offsets, start+min(skip+i, len(written)))
		}
		raw, start = raw[len(written):], start+len(written)
	}
	return offsets
}

var escapes = map[byte]string{'n': "\n", 'r': "\r", 't': "\t", '"': `"`, '\\': `\`}

// unescape undoes HCL's escapes: $${ and %%{ everywhere, those with a backslash in quotes. The bytes of what an escape
// stands for are placed at its beginning.
func unescape(raw []byte, start int, quoted bool) (string, []int) {
	var text []byte
	var offsets []int
	put := func(s string, at int) {
		text = append(text, s...)
		for range len(s) {
			offsets = append(offsets, start+at)
		}
	}
	for i := 0; i < len(raw); {
		rest := string(raw[i:min(len(raw), i+10)])
		switch {
		case strings.HasPrefix(rest, "$${"), strings.HasPrefix(rest, "%%{"):
			put(rest[1:3], i)
			i += 3
		case quoted && raw[i] == '\\' && len(rest) > 1 && escapes[rest[1]] != "":
			put(escapes[rest[1]], i)
			i += 2
		case quoted && strings.HasPrefix(rest, `\u`) && len(rest) >= 6:
			i += codePoint(rest[2:6], i, put)
		case quoted && strings.HasPrefix(rest, `\U`) && len(rest) >= 10:
			i += codePoint(rest[2:10], i, put)
		default:
			text, offsets = append(text, raw[i]), append(offsets, start+i)
			i++
		}
	}
	return string(text), offsets
}

func codePoint(digits string, at int, put func(string, int)) int {
	r, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || r > utf8.MaxRune {
		r = utf8.RuneError
	}
	put(string(rune(r)), at)
	return 2 + len(digits)
}
