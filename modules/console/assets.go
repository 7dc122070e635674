package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/problem"
)

// built is the page as it is made from ui, with nothing of it elsewhere: npm run build in ui makes it anew, and .ci/run
// checks that it is what that makes.
//
//go:embed dist
var built embed.FS

// asset is a file of the page.
type asset struct {
	text []byte
	kind string // media type
	tag  string // entity tag
}

// assets are the files of the page, by their names below the console's path.
var assets = func() map[string]asset {
	entries, err := built.ReadDir("dist")
	if err != nil {
		panic(err) // it is embedded
	}
	all := make(map[string]asset, len(entries))
	for _, e := range entries {
		text, err := built.ReadFile("dist/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(text)
		name := "/" + e.Name()
		if name == "/index.html" {
			name = "/"
		}
		all[name] = asset{text, kinds[path.Ext(e.Name())], `"` + hex.EncodeToString(sum[:16]) + `"`}
	}
	return all
}()

var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
}

// serveAsset answers with a file of the page, or with 304 where the browser has it.
func serveAsset(w http.ResponseWriter, r *http.Request, name string) *problem.Problem {
	a, ok := assets[name]
	if !ok {
		return problem.New(problem.NotFound, "the console has no such page")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return problem.New(problem.MethodNotAllowed, "pages are read").WithHeader("Allow", "GET, HEAD")
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Etag", a.tag)
	h.Set("Content-Type", a.kind)
	for known := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == a.tag {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(a.text)))
	if r.Method == http.MethodGet {
		w.Write(a.text) //nolint:errcheck // the browser is gone
	}
	return nil
}
