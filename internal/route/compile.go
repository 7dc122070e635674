package route

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// api is an API with all made that does not depend on a request.
type api struct {
	*API
	base      []string // segments of the base path
	versions  []version
	names     map[string]int // by label
	folded    map[string]int // by label in lower case
	tree      node
	gap       gap            // of the pattern of hosts
	byHost    map[string]int // version by host; nil where hosts name none
	header    string         // canonical
	query     string         // the query parameter's name, encoded
	media     template       // zero for none
	vary      []string       // Vary of every answer but to a preflight; nil for none
	varyPin   []string       // Vary where the credential took part
	byDefault int            // index, -1 for none
}

// version is a Version with its fields written out. Values of fields are shared by all answers, never edited.
type version struct {
	*Version
	deprecation []string
	sunset      []string
	links       string // rel="deprecation" and rel="sunset", "" without docs
	linksComma  string // the same, for another link to follow
	mediaType   string
	xmlType     string // its sibling in XML
	host        string
}

func compile(config *API) (*api, error) {
	a := &api{API: config, names: map[string]int{}, folded: map[string]int{}, byDefault: -1}
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	var err error
	if a.base, err = segments(config.BasePath); err != nil {
		fail("the base path %q: %w", config.BasePath, err)
	}
	if config.Rewrite != "" && !canonical(config.Rewrite) {
		fail("the path %q to rewrite to is not canonical", config.Rewrite)
	}
	if config.CORS != nil && config.CORS.Varies() {
		a.vary = []string{"Origin"}
	}
	for i := range config.Versions {
		v := &config.Versions[i]
		lower := strings.ToLower(v.Name)
		if !label(v.Name) {
			fail("the version %q is no path segment of letters, digits, dots, hyphens and underscores", v.Name)
		}
		if _, ok := a.folded[lower]; ok {
			fail("the version %q is there twice", v.Name)
		}
		if i > 0 && v.Released.Before(config.Versions[i-1].Released) {
			fail("the version %q is older than %q before it", v.Name, config.Versions[i-1].Name)
		}
		if !v.Sunset.IsZero() && v.Sunset.Before(v.Deprecated) {
			fail("the version %q is retired before it is deprecated", v.Name)
		}
		if u, err := url.Parse(v.Docs); err != nil || strings.ContainsAny(v.Docs, "<>\" \\") || v.Docs != "" && !u.IsAbs() {
			fail("the version %q: %q is no absolute URL", v.Name, v.Docs)
		}
		a.names[v.Name], a.folded[lower] = i, i
		a.versions = append(a.versions, write(v))
	}
	if err := a.compileVersioning(); err != nil {
		errs = append(errs, err)
	}
	if len(errs) == 0 { // ranges of routes need sound versions
		errs = append(errs, a.compileRoutes())
	}
	return a, errors.Join(errs...)
}

// label says whether a version's name stands for itself in a path, a field, a media type and a query.
func label(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return s != "" && strings.Trim(s, ".") != ""
}

func write(v *Version) version {
	w := version{Version: v}
	if !v.Deprecated.IsZero() {
		w.deprecation = []string{"@" + strconv.FormatInt(v.Deprecated.Unix(), 10)}
	}
	if !v.Sunset.IsZero() {
		w.sunset = []string{v.Sunset.UTC().Format(http.TimeFormat)}
	}
	if v.Docs != "" {
		var links []string
		if w.deprecation != nil {
			links = append(links, "<"+v.Docs+`>; rel="deprecation"; type="text/html"`)
		}
		if w.sunset != nil {
			links = append(links, "<"+v.Docs+`>; rel="sunset"; type="text/html"`)
		}
		if links != nil {
			w.links = strings.Join(links, ", ")
			w.linksComma = w.links + ", "
		}
	}
	return w
}

func (a *api) compileVersioning() error {
	by := a.Versioning
	if by == nil {
		if len(a.Versions) > 0 {
			return errors.New("there are versions and no way to name them")
		}
		return nil
	}
	if len(a.Versions) == 0 {
		return errors.New("there is versioning and no version")
	}
	if !by.Path && by.Host == "" && by.Header == "" && by.MediaType == "" && by.Query == "" && len(by.Pin) == 0 && by.Default == "" {
		return errors.New("the versioning names no way to choose a version")
	}
	vary := slices.Clone(a.vary)
	if by.Host != "" {
		if err := a.compileHost(); err != nil {
			return err
		}
	}
	if by.MediaType != "" {
		prefix, suffix, ok := strings.Cut(by.MediaType, "{version}")
		major, _, slash := strings.Cut(prefix, "/")
		if !ok || !slash || major == "" || strings.ContainsAny(prefix+suffix, "{}*,; \"") {
			return fmt.Errorf("the media type %q is none with {version} in its subtype", by.MediaType)
		}
		a.media = newTemplate(prefix, suffix, a.XML)
		for i := range a.versions {
			a.versions[i].mediaType = prefix + a.versions[i].Name + suffix
			if before, ok := strings.CutSuffix(suffix, "+json"); ok {
				a.versions[i].xmlType = prefix + a.versions[i].Name + before + "+xml"
			}
		}
		vary = append(vary, "Accept")
	}
	a.query = url.QueryEscape(by.Query)
	if by.Header != "" {
		a.header = http.CanonicalHeaderKey(by.Header)
		vary = append(vary, a.header)
	}
	if len(vary) > 0 {
		a.vary = []string{strings.Join(vary, ", ")}
	}
	for _, name := range by.Pin {
		vary = append(vary, http.CanonicalHeaderKey(name))
	}
	a.varyPin = []string{strings.Join(vary, ", ")}
	if by.Default != "" {
		i, ok := a.names[by.Default]
		if !ok {
			return fmt.Errorf("the default version %q is none of the API's", by.Default)
		}
		if a.versions[i].Preview {
			return fmt.Errorf("the default version %q is a preview, which only a request that names it gets", by.Default)
		}
		a.byDefault = i
	}
	return nil
}

func (a *api) compileRoutes() error {
	n := max(len(a.Versions), 1)
	var errs []error
	for i := range a.Routes {
		r := &a.Routes[i]
		from, until := 0, n
		for _, bound := range []struct {
			name string
			at   *int
		}{{r.Since, &from}, {r.Until, &until}} {
			if bound.name == "" {
				continue
			}
			at, ok := a.names[bound.name]
			if !ok {
				errs = append(errs, fmt.Errorf("the route %q: there is no version %q", r.Pattern, bound.name))
				continue
			}
			*bound.at = at
		}
		if from >= until {
			errs = append(errs, fmt.Errorf("the route %q ends with %q, before it begins", r.Pattern, r.Until))
			continue
		}
		if err := a.tree.insert(r, from, until, n); err != nil {
			errs = append(errs, fmt.Errorf("the route %q: %w", r.Pattern, err))
		}
	}
	if a.Versioning != nil && a.Versioning.Path {
		for name := range a.tree.literal {
			if _, ok := a.folded[strings.ToLower(name)]; ok {
				errs = append(errs, fmt.Errorf("routes begin with %q, which is also a version", name))
			}
		}
	}
	return errors.Join(errs...)
}

// segments splits a path of decoded segments.
func segments(path string) ([]string, error) {
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return nil, nil
	}
	if path[0] != '/' {
		return nil, errors.New("it does not start with a slash")
	}
	list := strings.Split(path[1:], "/")
	for _, s := range list {
		if s == "" || strings.Trim(s, ". ") == "" || strings.ContainsAny(s, `%;\?#`) {
			return nil, fmt.Errorf("no request can have the segment %q", s)
		}
	}
	return list, nil
}

// brownout says whether the version is switched off now, and until when.
func (v *version) brownout(now time.Time) (time.Time, bool) {
	for _, b := range v.Brownouts {
		if end := b.From.Add(b.For); !now.Before(b.From) && now.Before(end) {
			return end, true
		}
	}
	return time.Time{}, false
}

func (v *version) retired(now time.Time) bool {
	return !v.Sunset.IsZero() && !now.Before(v.Sunset)
}

func (v *version) deprecated(now time.Time) bool {
	return !v.Deprecated.IsZero() && !now.Before(v.Deprecated)
}

// hidden says whether only a request that names the version gets it.
func (v *version) hidden(now time.Time) bool {
	return v.Preview || now.Before(v.Released)
}

// inForce says whether a request for the version is served now.
func (v *version) inForce(now time.Time) bool {
	_, off := v.brownout(now)
	return !off && !v.retired(now)
}

// offered lists the versions to recommend now: those in force that need not be asked for by name.
func (a *api) offered(now time.Time) []string {
	list := make([]string, 0, len(a.versions))
	for i := range a.versions {
		if v := &a.versions[i]; !v.hidden(now) && !v.retired(now) {
			list = append(list, v.Name)
		}
	}
	return slices.Clip(list)
}
