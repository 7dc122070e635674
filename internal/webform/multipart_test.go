package webform

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
)

const png = "\x89PNG\r\n\x1a\n rest of a picture"

func reader(t testing.TB) *Multipart {
	t.Helper()
	m, err := NewMultipart(shape(t), MultipartConfig{MaxParts: 6, MaxPart: 100, Files: []FileConfig{
		{Field: "photo", Types: []string{"image/png", "image/jpeg"}, Max: 64},
		{Field: "files", Types: []string{"*/*"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// part writes a part; lines are its header.
func part(content string, lines ...string) string {
	return "--b\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n" + content + "\r\n"
}

func field(name, content string) string {
	return part(content, `Content-Disposition: form-data; name="`+name+`"`)
}

func upload(field, name, kind, content string) string {
	return part(content, `Content-Disposition: form-data; name="`+field+`"; filename="`+name+`"`, "Content-Type: "+kind)
}

// TestMultipart shows forms of several parts and what they are in JSON, or why they are refused.
func TestMultipart(t *testing.T) {
	m := reader(t)
	const plain = "multipart/form-data; boundary=b"
	for _, c := range []struct{ name, kind, body, doc, wrong string }{
		{"fields", plain, field("name", "Ada\r\nLovelace") + field("age", "36") + "--b--\r\n", `{"name":"Ada\u000d\u000aLovelace","age":36}`, ""},
		{"a boundary in quotes", `Multipart/Form-Data; boundary="b"`, field("name", "Ada") + "--b--", `{"name":"Ada"}`, ""},
		{"an empty field", plain, field("name", "") + "--b--\r\n", `{"name":""}`, ""},
		{"the boundary in a text", plain, field("name", "x--b--y") + "--b--\r\n", `{"name":"x--b--y"}`, ""},
		{"a list", plain, field("tags[]", "a") + field("tags[]", "b") + "--b--\r\n", `{"tags":["a","b"]}`, ""},
		{"an object in JSON", plain, part(`{"city": "Paris"}`, `Content-Disposition: form-data; name="home"`, "Content-Type: application/json") + "--b--\r\n", `{"home":{"city": "Paris"}}`, ""},
		{"objects in JSON", plain, part(`{"sku":"a"}`, `Content-Disposition: form-data; name="lines"`, "Content-Type: application/json") +
			part(`{"sku":"b"}`, `Content-Disposition: form-data; name="lines"`, "Content-Type: application/json") + "--b--\r\n", `{"lines":[{"sku":"a"},{"sku":"b"}]}`, ""},
		{"a list in JSON", plain, part(`[{"sku":"a"}]`, `Content-Disposition: form-data; name="lines"`, "Content-Type: application/json") + "--b--\r\n", `{"lines":[{"sku":"a"}]}`, ""},
		{"a file", plain, upload("photo", "me.png", "image/png", png) + "--b--\r\n", `{"photo":"me.png"}`, ""},
		{"a file of a type not said", plain, upload("photo", "me.png", "application/octet-stream", png) + "--b--\r\n", `{"photo":"me.png"}`, ""},
		{"files", plain, upload("files", "a.txt", "text/plain", "x") + upload("files", "b.csv", "text/csv", "1,2") + "--b--\r\n",
			`{"files":[{"name":"a.txt","type":"text/plain","size":1},{"name":"b.csv","type":"text/csv","size":3}]}`, ""},
		{"files in brackets", plain, upload("files[]", "a.txt", "text/plain", "x") + "--b--\r\n", `{"files":[{"name":"a.txt","type":"text/plain","size":1}]}`, ""},
		{"no file chosen", plain, upload("photo", "", "application/octet-stream", "") + field("name", "x") + "--b--\r\n", `{"name":"x"}`, ""},
		{"a path", plain, upload("photo", `C:\fakepath\..\me.png`, "image/png", png) + "--b--\r\n", `{"photo":"me.png"}`, ""},
		{"a path upwards", plain, upload("photo", "../../etc/me.png", "image/png", png) + "--b--\r\n", `{"photo":"me.png"}`, ""},
		{"what some programs write", plain, part("x", `content-disposition:form-data;name="name"`, "Content-Length: 1", "Content-Transfer-Encoding: binary") + "--b--\r\n", `{"name":"x"}`, ""},

		{"no boundary", "multipart/form-data", field("name", "x") + "--b--\r\n", "", ": the Content-Type names a boundary of 1 to 70 characters"},
		{"two boundaries", "multipart/form-data; boundary=b; boundary=c", field("name", "x") + "--b--\r\n", "", ": the Content-Type names one boundary, plainly"},
		{"a boundary in pieces", "multipart/form-data; boundary*0=b", field("name", "x") + "--b--\r\n", "", ": the Content-Type names one boundary, plainly"},
		{"a boundary with a blank", `multipart/form-data; boundary="b c"`, "", "", ": the Content-Type names a boundary of 1 to 70 characters"},
		{"a long boundary", "multipart/form-data; boundary=" + strings.Repeat("b", 71), "", "", ": the Content-Type names a boundary of 1 to 70 characters"},
		{"another parameter", plain + "; x=y", "", "", ": the Content-Type has a boundary and nothing else"},
		{"something before", plain, "x\r\n" + field("name", "x") + "--b--\r\n", "", ": " + delimiters},
		{"something behind", plain, field("name", "x") + "--b--\r\nx", "", ": " + delimiters},
		{"no end", plain, field("name", "x"), "", ": " + delimiters},
		{"cut short", plain, field("name", "x") + "--b", "", ": " + delimiters},
		{"the end twice", plain, field("name", "x") + "--b--\r\n--b--\r\n", "", ": " + delimiters},
		{"a longer boundary", plain, field("name", "x\r\n--bc\r\nContent-Disposition: form-data; name=\"age\"\r\n\r\n1") + "--b--\r\n", "", ": " + delimiters},
		{"a boundary behind LF alone", plain, field("name", "x\n--b\nContent-Disposition: form-data; name=\"age\"\n\n1") + "--b--\r\n", "", ": " + delimiters},
		{"a boundary behind CR alone", plain, field("name", "x\r--b\r") + "--b--\r\n", "", ": " + delimiters},
		{"a boundary with a blank behind", plain, field("name", "x") + "--b \r\n", "", ": " + delimiters},
		{"LF alone", plain, strings.ReplaceAll(field("name", "x")+"--b--\r\n", "\r\n", "\n"), "", ": " + delimiters},
		{"no parts", plain, "--b--\r\n", "", ": " + delimiters},
		{"parts in a part", plain, part("--c\r\n\r\n--c--", `Content-Disposition: form-data; name="name"`, "Content-Type: multipart/mixed; boundary=c") + "--b--\r\n", "", ": a part has no parts of its own"},
		{"too many parts", plain, strings.Repeat(field("tags", "x"), 7) + "--b--\r\n", "", ": a form may have 6 parts at most"},
		{"a large part", plain, field("name", strings.Repeat("x", 101)) + "--b--\r\n", "", "/name: may have at most 100 bytes"},
		{"a large file", plain, upload("photo", "me.png", "image/png", png+strings.Repeat("x", 64)) + "--b--\r\n", "", "/photo: may have at most 64 bytes"},
		{"a large header", plain, part("x", `Content-Disposition: form-data; name="`+strings.Repeat("x", 3000)+`"`) + "--b--\r\n", "", ": the header of a part ends with an empty line, after at most 2048 bytes"},
		{"no disposition", plain, part("x", "Content-Type: text/plain") + "--b--\r\n", "", ": " + partFields},
		{"two dispositions", plain, part("x", `Content-Disposition: form-data; name="name"`, `Content-Disposition: form-data; name="age"`) + "--b--\r\n", "", ": " + partFields},
		{"another field", plain, part("x", `Content-Disposition: form-data; name="name"`, "X-User: admin") + "--b--\r\n", "", ": " + partFields},
		{"a folded line", plain, part("x", "Content-Disposition: form-data;", ` name="name"`) + "--b--\r\n", "", ": " + disposition},
		{"a bare CR in a line", plain, part("x", "Content-Disposition: form-data; name=\"name\"\rX: y") + "--b--\r\n", "", ": the header of a part is UTF-8 without control characters, in lines ended by CR and LF"},
		{"another disposition", plain, part("x", `Content-Disposition: attachment; name="name"`) + "--b--\r\n", "", ": " + disposition},
		{"no name", plain, part("x", "Content-Disposition: form-data") + "--b--\r\n", "", ": " + disposition},
		{"two names", plain, part("x", `Content-Disposition: form-data; name="name"; name="age"`) + "--b--\r\n", "", ": " + disposition},
		{"a name in another charset", plain, part("x", `Content-Disposition: form-data; name*=utf-8''age`) + "--b--\r\n", "", ": " + disposition},
		{"a file's name in another charset", plain, part(png, `Content-Disposition: form-data; name="photo"; filename="a.png"; filename*=utf-8''b.php`) + "--b--\r\n", "", ": " + disposition},
		{"a file's name in pieces", plain, part(png, `Content-Disposition: form-data; name="photo"; filename*0="a."; filename*1="php"`) + "--b--\r\n", "", ": " + disposition},
		{"an escaped quote", plain, part(png, `Content-Disposition: form-data; name="photo"; filename="a\"; name="age"`) + "--b--\r\n", "", ": " + disposition},
		{"a quote as browsers write it", plain, field("na%22me", "x") + "--b--\r\n", "", ": " + disposition},
		{"a transfer encoding", plain, part("eA==", `Content-Disposition: form-data; name="name"`, "Content-Transfer-Encoding: base64") + "--b--\r\n", "", ": a part has no Content-Transfer-Encoding"},
		{"a charset", plain, part("x", `Content-Disposition: form-data; name="name"`, "Content-Type: text/plain; charset=utf-7") + "--b--\r\n", "", ": a part is UTF-8, whatever its Content-Type says"},
		{"a text of another type", plain, part("x", `Content-Disposition: form-data; name="name"`, "Content-Type: text/html") + "--b--\r\n", "", "/name: is no file, and so must be text/plain or application/json"},
		{"broken JSON", plain, part(`{"a":1,"a":2}`, `Content-Disposition: form-data; name="home"`, "Content-Type: application/json") + "--b--\r\n", "", "/home: must be strict JSON"},
		{"a file that is none", plain, upload("name", "me.png", "image/png", png) + "--b--\r\n", "", "/name: may not be a file"},
		{"no file where one must be", plain, field("photo", "me.png") + "--b--\r\n", "", "/photo: must be a file"},
		{"a page called a picture", plain, upload("photo", "me.png", "image/png", "<html><script>") + "--b--\r\n", "", "/photo: is not what its Content-Type says"},
		{"a script called a picture", plain, upload("photo", "me.png", "image/png", "<?php system($_GET['x']);") + "--b--\r\n", "", "/photo: is not what its Content-Type says"},
		{"a page", plain, upload("photo", "me.html", "text/html", "<html><script>") + "--b--\r\n", "", "/photo: is a file of a type that is not taken here"},
		{"a file without a name", plain, upload("photo", "", "image/png", png) + "--b--\r\n", "", "/photo: is a file without a name"},
		{"two files where there is one", plain, upload("photo", "a.png", "image/png", png) + upload("photo", "b.png", "image/png", png) + "--b--\r\n", "", "/photo: is there 2 times and takes one value"},
	} {
		doc, form, err := m.Decode(c.kind, []byte(c.body), 1<<20)
		var wrong *Error
		if errors.As(err, &wrong) {
			if got := wrong.Pointer + ": " + wrong.Detail; got != c.wrong {
				t.Errorf("%s: %s, want %s", c.name, got, c.wrong)
			}
			continue
		}
		if err != nil || string(doc) != c.doc {
			t.Errorf("%s: %s %v, want %s%s", c.name, doc, err, c.doc, c.wrong)
			continue
		}
		out, err := form.Write(doc)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		again, _, err := m.Decode(form.ContentType(), out, 1<<20)
		if err != nil || string(again) != c.doc {
			t.Errorf("%s: goes on as %s, which is %s %v", c.name, out, again, err)
		}
	}
}

// TestFilesGoOn shows that files go on under the names that the document has, byte for byte, and all of them.
func TestFilesGoOn(t *testing.T) {
	m := reader(t)
	doc, form, err := m.Decode("multipart/form-data; boundary=b", []byte(upload("photo", "../ME.png", "image/png", png)+field("name", "Ada")+"--b--\r\n"), 1<<20)
	if err != nil || string(doc) != `{"photo":"ME.png","name":"Ada"}` {
		t.Fatalf("%s %v", doc, err)
	}
	out, err := form.Write([]byte(`{"photo":"a/../me.png","name":"Ada"}`))
	if err != nil {
		t.Fatal(err)
	}
	_, parameters, _ := mime.ParseMediaType(form.ContentType())
	p, err := multipart.NewReader(bytes.NewReader(out), parameters["boundary"]).NextPart()
	if err != nil {
		t.Fatal(err)
	}
	content, _ := io.ReadAll(p)
	if p.FileName() != "me.png" || p.Header.Get("Content-Type") != "image/png" || string(content) != png {
		t.Errorf("%v %s", p.Header, content)
	}
	for _, doc := range []string{`{"name":"Ada"}`, `{"photo":["a","b"]}`, `{"picture":"me.png"}`} {
		if out, err := form.Write([]byte(doc)); err == nil {
			t.Errorf("%s goes on as %s", doc, out)
		}
	}
	if _, err := NewMultipart(shape(t), MultipartConfig{Files: []FileConfig{{Field: "portrait"}, {Field: "age"}}}); err == nil || !strings.Contains(err.Error(), "portrait") || !strings.Contains(err.Error(), "age at the top") {
		t.Errorf("fields that cannot be files: %v", err)
	}
}

// TestCleanName shows what becomes of files' names.
func TestCleanName(t *testing.T) {
	for name, want := range map[string]string{
		"me.png": "me.png", "Ärger 1.pdf": "Ärger 1.pdf", "../../etc/passwd": "passwd", `..\..\boot.ini`: "boot.ini", "..": "file", ".": "file", "": "file", "/": "file",
		".htaccess": "htaccess", "a.php.": "a.php", "a.php ": "a.php", "a\x00.php": "a.php", "a\u202egnp.exe": "agnp.exe", "a%2e%2e%2fb": "a_2e_2e_2fb", "a.txt::$DATA": "a.txt___DATA",
		"con": "_con", "NUL.txt": "_NUL.txt", "a\r\nX-User: admin": "aX-User_ admin", `a"; name="b`: "a__ name=_b", "a\u200bb": "ab", "a\u2028b": "ab", "a\xffb": "ab", "\ufeffa": "a", "a\ufffeb": "ab", "a\u00a0b": "a b",
		strings.Repeat("ä", 200) + ".png": strings.Repeat("ä", 98) + ".png", strings.Repeat("a", 300): strings.Repeat("a", 200),
	} {
		got := CleanName(name)
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		if again := CleanName(got); again != got {
			t.Errorf("%q: %q becomes %q", name, got, again)
		}
	}
}

// TestTypes shows what is made of a file's content and of what is said of it.
func TestTypes(t *testing.T) {
	zip := "PK\x03\x04 rest of an archive"
	for _, c := range []struct{ said, content, want string }{
		{"image/png", png, "image/png"}, {"", png, "image/png"}, {"application/octet-stream", png, "image/png"},
		{"image/jpeg", png, ""}, {"text/plain", png, ""}, {"application/pdf", png, ""},
		{"text/csv", "a,b\n1,2\n", "text/csv"}, {"text/markdown", "# a", "text/markdown"}, {"text/html", "no page", ""}, {"text/plain", "<html>", ""}, {"text/csv", "<script>", ""},
		{"application/json", `{"a":1}`, "application/json"}, {"application/json", `{"a":1`, ""},
		{"image/svg+xml", `<?xml version="1.0"?><svg/>`, "image/svg+xml"}, {"image/svg+xml", `<svg xmlns="x"/>`, "image/svg+xml"}, {"image/svg+xml", "text", ""},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", zip, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"application/zip", zip, "application/zip"}, {"application/pdf", zip, ""},
		{"image/heic", "\x00\x00\x00\x01\x02", "image/heic"}, {"image/png", "\x00\x01\x02", ""}, {"text/plain", "\x00\x01\x02", ""}, {"application/octet-stream", "\x00\x01\x02", "application/octet-stream"},
	} {
		if got, _ := typeOf(c.said, []byte(c.content)); got != c.want {
			t.Errorf("%q, said to be %s: %q, want %q", c.content, c.said, got, c.want)
		}
	}
}
