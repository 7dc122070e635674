package gateway_test

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
)

const (
	asForm = "Content-Type: application/x-www-form-urlencoded"
	asXML  = "Content-Type: application/xml"
	// A form of several parts, whose boundary is b.
	inParts = "Content-Type: multipart/form-data; boundary=b"
	picture = "\x89PNG\r\n\x1a\n rest of a picture"
)

// parts writes a form of several parts.
func parts(all ...string) string {
	return "--b\r\n" + strings.Join(all, "\r\n--b\r\n") + "\r\n--b--\r\n"
}

func field(name, value string) string {
	return `Content-Disposition: form-data; name="` + name + "\"\r\n\r\n" + value
}

func file(field, name, kind, content string) string {
	return `Content-Disposition: form-data; name="` + field + `"; filename="` + name + "\"\r\nContent-Type: " + kind + "\r\n\r\n" + content
}

// formed is the API of people, which takes forms.
func formed(s *server) {
	people(`route "POST /new" {`, `  accepts = object.person`, `  takes = ["json", "form", "multipart", "xml"]`, `  max_body = "4KiB"`,
		`  sanitize "email" { steps = ["trim", "lower"] }`,
		`  multipart {`, `    max_parts = 8`, `    max_part = "100B"`, `    file "photo" {`, `      types = ["image/png"]`, `      max = "64B"`, `    }`, `  }`,
		`  rule "grown up" {`, `    when   = body.age == null || body.age >= 18`, `    detail = "only people of 18 years and more"`, `  }`, `}`,
		`route "POST /form" {`, `  accepts = object.person`, `  takes = ["form"]`, `}`)(s)
	s.replace("examples/shop/schemas/person.json", `"age"`, `"photo": {"type": "string"}, "age"`)
}

// TestForms sends forms and XML, which schema, rules and sanitising see as JSON, and which go on as what they were.
func TestForms(t *testing.T) {
	s := start(t, formed)
	for _, c := range []struct{ name, kind, body, arrives string }{
		{"a form", asForm, "name=Ada+L&email=+ADA@example.org&age=36&tags=a&tags=b&home[city]=Paris&member=true", "name=Ada+L&email=ada%40example.org&age=36&tags=a&tags=b&home%5Bcity%5D=Paris&member=true"},
		{"XML", asXML, "<!-- x --><person><name>Ada</name><email> ADA@example.org</email><age>36</age><tags>a</tags><tags>b</tags></person>",
			`<?xml version="1.0" encoding="UTF-8"?>` + "\n<person><name>Ada</name><email>ada@example.org</email><age>36</age><tags>a</tags><tags>b</tags></person>"},
		{"JSON", "Content-Type: application/json", `{"name":"Ada", "email":" Ada@example.org"}`, `{"name":"Ada", "email":"ada@example.org"}`},
	} {
		for _, http2 := range []bool{false, true} {
			a := s.do(s.client(http2), "POST", "/people/new", c.body, c.kind)
			saw, body := s.upstream.saw()
			if a.status != 200 || body != c.arrives || "Content-Type: "+saw.Header.Get("Content-Type") != c.kind || saw.ContentLength != int64(len(body)) {
				t.Errorf("%s: %d %s; the service got %q as %v", c.name, a.status, a.body, body, saw.Header)
			}
		}
	}

	a := s.do(s.client(true), "POST", "/people/new", parts(field("name", "Ada"), file("photo", `C:\x\me.png`, "image/png", picture), field("email", " ADA@example.org")), inParts)
	saw, body := s.upstream.saw()
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	kind, parameters, err := mime.ParseMediaType(saw.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		t.Fatalf("the service got %v: %v", saw.Header, err)
	}
	var got []string
	for r := multipart.NewReader(bytes.NewReader([]byte(body)), parameters["boundary"]); ; {
		p, err := r.NextPart()
		if err != nil {
			break
		}
		content, _ := io.ReadAll(p)
		got = append(got, p.FormName(), p.FileName(), p.Header.Get("Content-Type"), string(content))
	}
	if got, want := strings.Join(got, "|"), "name|||Ada|photo|me.png|image/png|"+picture+"|email|||ada@example.org"; got != want {
		t.Errorf("the service got %q, want %q", got, want)
	}
	if a := s.do(s.client(true), "GET", "/people/openapi.json", ""); !strings.Contains(a.body, `"multipart/form-data"`) || !strings.Contains(a.body, `"contentType": "image/png"`) || !strings.Contains(a.body, `"application/x-www-form-urlencoded"`) {
		t.Errorf("the description is %s", a.body)
	}
}

// TestAttacksInForms sends what must not reach the service in forms and XML, each over real HTTPS.
func TestAttacksInForms(t *testing.T) {
	s := start(t, formed)
	const who = `Content-Disposition: form-data; name="name"`
	for _, c := range []struct {
		name, kind, body string
		status           int
		told             string
	}{
		{"form: a field twice", asForm, "name=Ada&name=Eve", 422, `"/name"`},
		{"form: a field twice, escaped", asForm, "name=Ada&n%61me=Eve", 422, `"/name"`},
		{"form: a list in two ways", asForm, "name=Ada&tags=a&tags[]=b", 422, `"/tags"`},
		{"form: a field that nobody knows", asForm, "name=Ada&role=admin", 422, `"additionalProperties"`},
		{"form: another case", asForm, "name=Ada&AGE=7", 422, `"/AGE"`},
		{"form: brackets", asForm, "name=Ada&role[x]=admin", 400, "brackets"},
		{"form: a semicolon", asForm, "name=Ada;age=7", 400, "semicolons"},
		{"form: half an escape", asForm, "name=%4", 400, "percent"},
		{"form: no escape", asForm, "name=%zz", 400, "percent"},
		{"form: invalid UTF-8", asForm, "name=%ff", 400, "UTF-8"},
		{"form: UTF-7", asForm + "; charset=utf-7", "name=Ada", 415, ""},
		{"form: UTF-7 in a field", asForm, "_charset_=utf-7&name=Ada", 400, ""},
		{"form: NUL in a name", asForm, "name=Ada&a%00=1", 400, ""},
		{"form: an age of eight", asForm, "name=Ada&age=010", 422, "number"},
		{"form: a rule broken", asForm, "name=Ada&age=7", 422, "grown up"},
		{"form: nothing", asForm, "", 400, "needs a body"},
		{"form: as JSON", asForm, `{"name":"Ada"}`, 422, `"required"`},
		{"form: many fields", asForm, strings.Repeat("a&", 1500) + "a", 400, "1000 fields"},
		{"form: above the bound", asForm, "name=" + strings.Repeat("a", 5000), 413, ""},
		{"form: named twice", asForm + ", application/json", "name=Ada", 415, ""},

		{"parts: no boundary", "Content-Type: multipart/form-data", parts(field("name", "Ada")), 400, "boundary"},
		{"parts: two boundaries", inParts + "; boundary=c", parts(field("name", "Ada")), 415, ""},
		{"parts: a boundary in pieces", "Content-Type: multipart/form-data; boundary*0=b", parts(field("name", "Ada")), 400, "boundary"},
		{"parts: parts in parts", inParts, parts(who + "\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--"), 415, "no parts of its own"},
		{"parts: mixed", "Content-Type: multipart/mixed; boundary=b", parts(field("name", "Ada")), 415, ""},
		{"parts: LF alone", inParts, strings.ReplaceAll(parts(field("name", "Ada")), "\r\n", "\n"), 400, "CR and LF"},
		{"parts: a boundary of LF within", inParts, parts(field("name", "Ada\n--b\n"+field("role", "admin"))), 400, "CR and LF"},
		{"parts: something before", inParts, "x\r\n" + parts(field("name", "Ada")), 400, ""},
		{"parts: something behind", inParts, parts(field("name", "Ada")) + "x", 400, ""},
		{"parts: a header of its own", inParts, parts(who + "\r\nX-User: admin\r\n\r\nAda"), 400, ""},
		{"parts: a large header", inParts, parts(who + "; filename=\"" + strings.Repeat("a", 3000) + "\"\r\n\r\n"), 400, "2048 bytes"},
		{"parts: base64", inParts, parts(who + "\r\nContent-Transfer-Encoding: base64\r\n\r\nQWRh"), 400, ""},
		{"parts: UTF-7", inParts, parts(who + "\r\nContent-Type: text/plain; charset=utf-7\r\n\r\nAda"), 415, "UTF-8"},
		{"parts: two names", inParts, parts(who + "; name=\"role\"\r\n\r\nAda"), 400, ""},
		{"parts: a name of RFC 2231", inParts, parts("Content-Disposition: form-data; name*=utf-8''name\r\n\r\nAda"), 400, ""},
		{"parts: a file's name of RFC 2231", inParts, parts(`Content-Disposition: form-data; name="photo"; filename="a.png"; filename*=utf-8''a.php` + "\r\n\r\n" + picture), 400, ""},
		{"parts: an escaped quote", inParts, parts(`Content-Disposition: form-data; name="photo"; filename="a\"; name="role"` + "\r\n\r\n" + picture), 400, ""},
		{"parts: a page called a picture", inParts, parts(field("name", "Ada"), file("photo", "a.png", "image/png", "<html><script>")), 415, "not what its Content-Type says"},
		{"parts: a page", inParts, parts(field("name", "Ada"), file("photo", "a.html", "text/html", "<html><script>")), 415, "not taken here"},
		{"parts: a file that is none", inParts, parts(file("name", "a.png", "image/png", picture)), 422, "may not be a file"},
		{"parts: a text for a file", inParts, parts(field("name", "Ada"), field("photo", "../../etc/passwd")), 422, "must be a file"},
		{"parts: a large file", inParts, parts(field("name", "Ada"), file("photo", "a.png", "image/png", picture+strings.Repeat("x", 64))), 413, "64 bytes"},
		{"parts: a large part", inParts, parts(field("name", strings.Repeat("a", 101))), 413, "100 bytes"},
		{"parts: too many", inParts, parts(strings.Split(strings.Repeat(field("tags", "a")+"\x00", 9), "\x00")[:9]...), 413, "8 parts"},
		{"parts: above the bound", inParts, parts(field("name", strings.Repeat("a", 5000))), 413, ""},
		{"parts: a schema broken", inParts, parts(field("email", "ada@example.org")), 422, `"required"`},
		{"parts: a rule broken", inParts, parts(field("name", "Ada"), field("age", "7")), 422, "grown up"},
		{"parts: JSON with a name twice", inParts, parts(field("name", "Ada"), "Content-Disposition: form-data; name=\"home\"\r\nContent-Type: application/json\r\n\r\n{\"city\":\"a\",\"city\":\"b\"}"), 400, "strict JSON"},

		{"XML: deep", asXML, strings.Repeat("<person>", 300), 422, ""},
		{"XML: a DOCTYPE", asXML, `<!DOCTYPE person SYSTEM "file:///etc/passwd"><person><name>a</name></person>`, 400, ""},
		{"XML: an entity", asXML, `<person><name>&x;</name></person>`, 400, ""},
		{"XML: two roots", asXML, `<person><name>a</name></person><person/>`, 400, ""},
		{"XML: twice", asXML, `<person><name>a</name><name>b</name></person>`, 422, `"/name"`},
		{"XML: what nobody knows", asXML, `<person><name>a</name><role>admin</role></person>`, 422, ""},
		{"XML: a rule broken", asXML, `<person><name>a</name><age>7</age></person>`, 422, "grown up"},
	} {
		before := s.upstream.count.Load()
		a := s.do(s.client(true), "POST", "/people/new", c.body, c.kind)
		if a.status != c.status || !strings.Contains(a.body, c.told) || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %s, want %d and %s", c.name, a.status, a.body, c.status, c.told)
		}
		if s.upstream.count.Load() != before {
			t.Errorf("%s: it reached the service", c.name)
		}
		if strings.Contains(a.body, s.dir) || strings.Contains(a.body, "passwd") {
			t.Errorf("%s: the answer tells too much: %s", c.name, a.body)
		}
	}
	if a := s.do(s.client(true), "POST", "/people/form", `{"name":"Ada"}`, "Content-Type: application/json"); a.status != 415 || a.header.Get("Accept-Post") != "application/x-www-form-urlencoded" {
		t.Errorf("JSON where a form is taken: %d %v %s", a.status, a.header, a.body)
	}
	// What is a line break or a placeholder in a field is nothing but a text.
	for _, c := range []struct{ body, arrives string }{
		{"name=a%0d%0aX-User:+admin", "name=a%0D%0AX-User%3A+admin"},
		{"name={env.HOME}", "name=%7Benv.HOME%7D"},
	} {
		a := s.do(s.client(true), "POST", "/people/new", c.body, asForm)
		if saw, body := s.upstream.saw(); a.status != 200 || body != c.arrives || saw.Header.Get("X-User") != "" {
			t.Errorf("%s: %d; the service got %s with %v", c.body, a.status, body, saw.Header)
		}
	}
}

// TestFormToIntegration sends a form where a third party is asked, which gets the JSON that was made of it.
func TestFormToIntegration(t *testing.T) {
	p := newProvider(t, says(200, `{}`))
	s := start(t, asking(p, "", `
  object "person" { schema = "schemas/person.json" }
  route "POST /people" {
    accepts     = object.person
    takes       = ["form"]
    integration = integration.payments
    send        = "POST /people"
  }
`), func(s *server) {
		s.write("examples/shop/schemas/person.json", `{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}}}`)
	})
	a := s.do(s.client(true), "POST", "/paid/people", "name=Ada&age=36", asForm)
	r, sent, n := p.last()
	if a.status != 200 || n != 1 || sent != `{"name":"Ada","age":36}` || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s; the third party got %d requests, the last with %s", a.status, a.body, n, sent)
	}
}
