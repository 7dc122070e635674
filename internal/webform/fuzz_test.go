package webform

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"reflect"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// FuzzDecode reads whatever bytes there are. A form that is taken is strict JSON, and net/url reads it, and what goes on
// of it, as the same fields.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"name=Ada+L&age=36", "tags=a&tags=b", "tags[]=a", "tags[0]=a&tags[1]=b", "home[city]=x&home[within][zip]=1", "lines[0][sku]=a", "codes[]=1", "a=%zz", "name=%00&weight=", "note[a]=b", "_charset_=utf-8"} {
		f.Add([]byte(seed))
	}
	s := shape(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, form, err := s.Decode(src, 1<<20)
		if err != nil {
			var wrong *Error
			if !errors.As(err, &wrong) && !errors.Is(err, ErrTooLarge) {
				t.Fatal(err)
			}
			return
		}
		if err := jsonspan.Check(doc, jsonspan.Bounds{}); err != nil {
			t.Fatalf("%q is %s: %v", src, doc, err)
		}
		out, err := form.Write(doc)
		if err != nil {
			t.Fatalf("%q is %s: %v", src, doc, err)
		}
		came, err := url.ParseQuery(string(src))
		if err != nil {
			t.Fatalf("%q is taken, and net/url says: %v", src, err)
		}
		went, err := url.ParseQuery(string(out))
		if err != nil || !reflect.DeepEqual(came, went) {
			t.Fatalf("%q goes on as %q: %v", src, out, err)
		}
	})
}

// FuzzMultipart does the same with forms of several parts and mime/multipart.
func FuzzMultipart(f *testing.F) {
	f.Add("b", []byte(field("name", "Ada")+field("tags", "a")+"--b--\r\n"))
	f.Add("b", []byte(upload("photo", "../me.png", "image/png", png)+"--b--"))
	f.Add("b", []byte(upload("files[]", "a.txt", "text/plain", "x")+upload("files[]", "", "", "")+"--b--"))
	f.Add("b", []byte(part(`{"city":"x"}`, `Content-Disposition: form-data; name="home"`, "Content-Type: application/json")+"--b--"))
	f.Add("b", []byte(field("name", "x\n--b\n")+"--b--\r\n"))
	m := reader(f)
	f.Fuzz(func(t *testing.T, boundary string, src []byte) {
		contentType := `multipart/form-data; boundary="` + boundary + `"`
		doc, form, err := m.Decode(contentType, src, 1<<20)
		if err != nil {
			var wrong *Error
			if !errors.As(err, &wrong) && !errors.Is(err, ErrTooLarge) {
				t.Fatal(err)
			}
			return
		}
		if err := jsonspan.Check(doc, jsonspan.Bounds{}); err != nil {
			t.Fatalf("%q is %s: %v", src, doc, err)
		}
		out, err := form.Write(doc)
		if err != nil {
			t.Fatalf("%q is %s: %v", src, doc, err)
		}
		named := !bytes.Contains(src, []byte(`\`)) // which the standard library takes for an escape more often than it is one
		came, went := parts(t, contentType, src, named), parts(t, form.ContentType(), out, named)
		if !reflect.DeepEqual(came, went) {
			t.Fatalf("%q goes on as %q: %v, %v", src, out, came, went)
		}
	})
}

// parts reads a form with the standard library: contents by fields, and files' names where they are looked at. A file that
// nobody chose is none.
func parts(t *testing.T, contentType string, src []byte, named bool) map[string][]string {
	t.Helper()
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatalf("%s: %v", contentType, err)
	}
	all := make(map[string][]string)
	for r := multipart.NewReader(bytes.NewReader(src), parameters["boundary"]); ; {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%q is taken, and mime/multipart says: %v", src, err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatalf("%q is taken, and mime/multipart says: %v", src, err)
		}
		disposition := p.Header.Get("Content-Disposition")
		_, said, err := mime.ParseMediaType(disposition)
		if err != nil {
			t.Fatalf("%q: %v", disposition, err)
		}
		name, isFile := said["filename"]
		switch {
		case isFile && name == "":
			continue
		case isFile && named:
			all[p.FormName()] = append(all[p.FormName()], string(content), CleanName(name))
		default:
			all[p.FormName()] = append(all[p.FormName()], string(content))
		}
	}
}
