package logformat

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// asked is a request as Caddy hands it to loggers.
func asked(uri string, header http.Header, client any) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://localhost/", nil)
	r.RequestURI, r.Header, r.RemoteAddr = uri, header, "192.0.2.1:4711"
	r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, NegotiatedProtocol: "h2", ServerName: "localhost"}
	vars := map[string]any{}
	if client != nil {
		vars[caddyhttp.ClientIPVarKey] = client
	}
	return r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, vars))
}

// ended are the fields that Caddy adds when a request has ended.
func ended(header http.Header, more ...zapcore.Field) []zapcore.Field {
	return append([]zapcore.Field{
		zap.Int("bytes_read", 7), zap.String("user_id", "ada"), zap.Duration("duration", 1234567*time.Nanosecond), zap.Int("size", 1024), zap.Int("status", 200),
		zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{Header: header}),
	}, more...)
}

func served() gateway.Accessed {
	return gateway.Accessed{Exchange: &exchange.Exchange{ID: "0198c0de-0000-7000-8000-000000000002", API: "orders", Version: "v1", Selected: "path", Route: "GET /orders/{id}", Ended: "authorize",
		Consumer: &exchange.Consumer{ID: "acme?x=" + key}, Unknown: []string{"a", key}, Sent: true, Said: 200, Tries: 2}}
}

// both writes a line with the encoder that knows Caddy's lines, and with the one within, which knows any. quick says whether
// the former did it by itself.
func both(t testing.TB, request zapcore.Field, entry zapcore.Entry, fields []zapcore.Field) (one, other string, quick bool) {
	t.Helper()
	e := encoder(t)
	of := e.Encoder.(*access)
	a := e.Clone()
	request.AddTo(a)
	if a := a.(*access); a.request != nil {
		_, quick = a.line(&entry, fields)
	}
	slow := of.base.Clone()
	request.AddTo(slow)
	for range 2 { // what it holds it holds for every line
		line, err := a.EncodeEntry(entry, fields)
		if err != nil {
			t.Fatal(err)
		}
		one = line.String()
		line.Free()
	}
	line, err := slow.EncodeEntry(entry, fields)
	if err != nil {
		t.Fatal(err)
	}
	return one, line.String(), quick
}

func same(t testing.TB, one, other string) {
	t.Helper()
	var a, b map[string]any
	if err := errors.Join(json.Unmarshal([]byte(one), &a), json.Unmarshal([]byte(other), &b)); err != nil {
		t.Fatalf("%v: %s\n%s", err, one, other)
	}
	if !reflect.DeepEqual(a, b) || len(one) != len(other) || !strings.HasSuffix(one, "}\n") {
		t.Errorf("the lines differ:\n%s%s", one, other)
	}
	if strings.Contains(one, key[20:]) {
		t.Errorf("a key is in %s", one)
	}
}

// TestAccessLines has every line of a request come out as the encoder within writes it, and Caddy's own quickly.
func TestAccessLines(t *testing.T) {
	entry := zapcore.Entry{Level: zapcore.InfoLevel, Time: time.Unix(1764422400, 123456789), LoggerName: "http.log.access.log0", Message: "handled request"}
	header := http.Header{"User-Agent": {"curl/8.1 \"x\" \\ \x01 \xff ü 日本 \u2028\x7f"}, "X-Other": {key, "b"}, "Authorization": {"Bearer x"}, "cookie": {"a=b"}, "Accept": {}, "X-Api-Key": {key}}
	request := func(r *http.Request) zapcore.Field {
		return zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r})
	}
	r := asked("/orders?page=2&access_token="+key+"&x=\"<>&", header, "192.0.2.1")
	chunked := asked("/", nil, "192.0.2.1")
	chunked.TransferEncoding, chunked.TLS, chunked.RemoteAddr = []string{"chunked"}, nil, "@"
	certified := asked("/", http.Header{}, "2001:db8::1")
	certified.TLS.PeerCertificates = []*x509.Certificate{{Subject: pkix.Name{CommonName: "acme"}, SerialNumber: big.NewInt(7)}}
	failed := entry
	failed.Level, failed.LoggerName = zapcore.ErrorLevel, ""
	traced := []zapcore.Field{zap.String("traceID", "4bf9"), zap.String("spanID", "00f0"), zap.Object("api_gateway", served())}
	caller := entry
	caller.Caller = zapcore.NewEntryCaller(0, "file.go", 7, true)
	answer := http.Header{"Content-Type": {"application/json"}, "Set-Cookie": {"a"}}
	for name, c := range map[string]struct {
		request zapcore.Field
		entry   zapcore.Entry
		fields  []zapcore.Field
		quick   bool
	}{
		"a request":           {request(r), entry, ended(answer), true},
		"of the gateway":      {request(r), entry, ended(answer, traced...), true},
		"nothing known":       {request(r), entry, ended(nil, zap.Object("api_gateway", gateway.Accessed{Exchange: &exchange.Exchange{}})), true},
		"failed":              {request(r), failed, ended(answer, traced[2]), true},
		"chunked, plain":      {request(chunked), entry, ended(answer), true},
		"with a certificate":  {request(certified), entry, ended(answer), true},
		"shown":               {zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r, ShouldLogCredentials: true}), entry, ended(answer), false},
		"of nobody":           {request(asked("/", header, nil)), entry, ended(answer), false},
		"of an empty address": {request(asked("/", header, "")), entry, ended(answer), false},
		"a field of theirs":   {request(r), entry, ended(answer, zap.Int("theirs", 1)), false},
		"a span alone":        {request(r), entry, ended(answer, traced[1]), false},
		"traced twice":        {request(r), entry, ended(answer, traced[0], traced[1], traced[0]), false},
		"a broken write":      {request(r), entry, append(ended(answer)[:6], zap.NamedError("write_error", errors.New("late"))), false},
		"with its caller":     {request(r), caller, ended(answer), false},
		"an error":            {request(r), failed, []zapcore.Field{zap.Int("status", 502), zap.String("err_id", "x")}, false},
		"of another name":     {zap.Object("asked", caddyhttp.LoggableHTTPRequest{Request: r}), entry, ended(answer), false},
	} {
		t.Run(name, func(t *testing.T) {
			one, other, quick := both(t, c.request, c.entry, c.fields)
			if quick != c.quick {
				t.Errorf("quick: %v", quick)
			}
			same(t, one, other)
		})
	}
}

// TestAddedToARequest adds more to what a request was added to, before and behind it, on it and on its copies: nothing is lost, and
// no copy has what was added to another.
func TestAddedToARequest(t *testing.T) {
	entry := zapcore.Entry{Time: time.Unix(1764422400, 0), Message: "m"}
	request := zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: asked("/", http.Header{"A": {"b"}}, "192.0.2.1")})
	e := encoder(t)
	write := func(e zapcore.Encoder) string {
		line, err := e.EncodeEntry(entry, nil)
		if err != nil {
			t.Fatal(err)
		}
		return line.String()
	}
	a := e.Clone()
	request.AddTo(a)
	b := a.Clone()
	for _, f := range []zapcore.Field{zap.Binary("bin", []byte("x")), zap.Bool("b", true), zap.Complex128("c", 1), zap.Complex64("c6", 1), zap.Duration("d", 1), zap.Float64("f", 1), zap.Float32("f3", 1),
		zap.Int("i", 1), zap.Int64("i6", 1), zap.Int32("i3", 1), zap.Int16("i1", 1), zap.Int8("i8", 1), zap.String("s", key), zap.ByteString("bs", []byte(key)), zap.Time("t", time.Unix(0, 0)),
		zap.Uint("u", 1), zap.Uint64("u6", 1), zap.Uint32("u3", 1), zap.Uint16("u1", 1), zap.Uint8("u8", 1), zap.Uintptr("p", 1), zap.Reflect("r", []int{1}), zap.Strings("a", []string{key}), zap.Object("o", nested{}),
		request, zap.Namespace("n"), zap.Int("in", 1)} {
		f.AddTo(b)
	}
	before := e.Clone()
	zap.String("first", "x").AddTo(before)
	request.AddTo(before)
	copied := b.Clone()
	zap.Int("copied", 1).AddTo(copied)
	slow := e.Encoder.(*access).base.Clone()
	want := write(slow)
	if got := write(e); got != want {
		t.Errorf("what nothing was added to: %s", got)
	}
	for name, c := range map[string]struct {
		e    zapcore.Encoder
		want []string
		not  string
	}{
		"the request alone": {a, []string{`"request":{`}, `"s":`},
		"more":              {b, []string{`"request":{`, `"bin":"eA=="`, `"i8":1`, `"u8":1`, `"n":{"in":1}}`, `"o":{`, `"t":0`}, "copied"},
		"a copy":            {copied, []string{`"request":{`, `"n":{"in":1,"copied":1}}`}, `"first"`},
		"something before":  {before, []string{`"first":"x","request":{`}, `"s":`},
	} {
		got := write(c.e)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %s in %s", name, want, got)
			}
		}
		if strings.Contains(got, c.not) || strings.Contains(got, key[20:]) || !json.Valid([]byte(got)) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// FuzzAccessLines holds both encoders against each other, whatever a caller sends.
func FuzzAccessLines(f *testing.F) {
	f.Add("/orders?access_token=x", "curl", "localhost", "a")
	f.Add("/\xff\"\\\n\t\r\x00\x7f", "\u2028", "", "access_token=1&access_token=2")
	entry := zapcore.Entry{Time: time.Unix(1764422400, 5), Message: "handled request"}
	f.Fuzz(func(t *testing.T, uri, agent, host, id string) {
		r := asked(uri, http.Header{"User-Agent": {agent}}, "192.0.2.1")
		r.Host = host
		x := served()
		x.Consumer = &exchange.Consumer{ID: id}
		one, other, quick := both(t, zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r}), entry, ended(http.Header{"A": {agent}}, zap.Object("api_gateway", x)))
		if one != other || !quick {
			t.Errorf("quick %v:\n%s%s", quick, one, other)
		}
	})
}

// BenchmarkAccessLine is what a line of the access log costs, from the request on, with both encoders.
func BenchmarkAccessLine(b *testing.B) {
	r := asked("/api/v1/orders?page=2", http.Header{"User-Agent": {"curl/8.1"}, "X-Api-Key": {key}, "Accept-Encoding": {"gzip"}}, "192.0.2.1")
	request := zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r})
	fields := ended(http.Header{"Content-Type": {"application/json"}, "Server": {"Caddy"}, "Date": {"x"}, "Content-Length": {"100"}}, zap.Object("api_gateway", served()))
	entry := zapcore.Entry{Time: time.Now(), LoggerName: "http.log.access.log0", Message: "handled request"}
	e := encoder(b)
	for name, of := range map[string]zapcore.Encoder{"quick": e, "any": e.Encoder.(*access).base, "json": e.Encoder.(*access).base.whole} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				with := of.Clone()
				request.AddTo(with)
				line, err := with.EncodeEntry(entry, fields)
				if err != nil {
					b.Fatal(err)
				}
				line.Free()
			}
		})
	}
}
