package validate

import (
	"errors"
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/inflate"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/webform"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// maxPointer bounds, in bytes, the pointer into a broken body that its sender is told: names may be as long as it.
const maxPointer = 512

// ContentConfig says what bodies a route takes.
type ContentConfig struct {
	// MediaTypes are taken besides application/json: "application/vnd.acme.v1+json". Lower case, without parameters.
	MediaTypes []string
	// Named says that somebody asked for these formats, so that a body is refused that a stage before has read in another;
	// otherwise it is taken, for it is JSON by now.
	Named bool
	// NoJSON says that JSON is not taken, nor MediaTypes.
	NoJSON bool
	// XML reads bodies that are XML by their declaration; for the stages they are JSON. nil for none.
	XML *xmlform.Reader
	// XMLWriter writes such bodies as they go on, in XML; where it is nil, JSON goes on.
	XMLWriter *xmlform.Writer
	// Form reads bodies that are application/x-www-form-urlencoded, Multipart those that are multipart/form-data; for the
	// stages they are JSON, and they go on as what they were. nil for none.
	Form      *webform.Shape
	Multipart *webform.Multipart
	// Offered are media types that stand for those taken, to be told besides them: those that name a version.
	Offered []string
	// Any takes bodies of all other media types too, and of none, as they are: whoever reads them looks at what they are.
	// Whatever says that it is JSON, application/problem+json too, must be.
	Any bool
	// Required are the methods that must come with a body.
	Required []string
	// Compressed are the content codings that are taken off bodies, of inflate.Codings; none is taken otherwise.
	Compressed []string
	// MaxBody bounds the body in bytes; 0 means exchange.DefaultMaxBody.
	MaxBody int64
	// Indexed has the body's index made, as a Stage behind wants that reads single values of it.
	Indexed bool
	// Report, if set, is told each problem instead of the caller, and the request goes on.
	Report Report
}

// Content is the first piece of the stage: the body is JSON by its declaration and strict JSON (RFC 7493) in fact, or
// becomes it for the stages. Everything after it may rely on Body.Valid.
type Content struct {
	config  ContentConfig
	types   []string                                             // of JSON
	readers map[string]func(*exchange.Exchange) *problem.Problem // of other media types
	accept  string                                               // for Accept-Post and Accept-Patch
}

// NewContent makes the stage. There is nothing in its configuration that could be wrong.
func NewContent(c ContentConfig) *Content {
	to := &Content{config: c}
	if !c.NoJSON {
		to.types = append(to.types, "application/json")
		for _, t := range c.MediaTypes {
			if !slices.Contains(to.types, t) {
				to.types = append(to.types, t)
			}
		}
	}
	told := append(to.types[:len(to.types):len(to.types)], to.others()...)
	to.accept = strings.Join(slices.Concat(told, c.Offered), ", ")
	return to
}

// Name implements pipeline.Stage.
func (c *Content) Name() string { return "validate" }

// Needs implements pipeline.Stage: the whole body, whatever it is.
func (c *Content) Needs() exchange.Needs {
	return exchange.Needs{
		Header:  []string{"Content-Type", "Content-Encoding"},
		Body:    exchange.Whole,
		MaxBody: c.config.MaxBody,
	}
}

// Handle refuses what is not strict JSON in UTF-8, with no content coding but those that are taken off, or not there though it must be: 400 or 415.
// A body over the bound was refused with 413 when it was read.
func (c *Content) Handle(x *exchange.Exchange) *problem.Problem {
	p := c.check(x)
	if p != nil && c.config.Report != nil {
		c.config.Report(x, p)
		x.Body.Reported = true
		return nil
	}
	return p
}

func (c *Content) check(x *exchange.Exchange) *problem.Problem {
	if !x.Body.Read {
		return problem.New(problem.Internal, "").Because(errNotRead)
	}
	if len(x.Body.Bytes) > 0 {
		if prob := c.inflate(x); prob != nil {
			return prob
		}
	}
	if len(x.Body.Bytes) == 0 {
		if slices.Contains(c.config.Required, x.Method) {
			return problem.New(problem.InvalidBody, "the request needs a body")
		}
		return nil
	}
	if x.Body.Valid && x.Body.Form != nil && !c.config.Named {
		return nil
	}
	fields := x.Header["Content-Type"]
	if c.config.Any && other(fields) {
		return nil
	}
	read, reason := c.media(fields)
	if reason != "" {
		field := "Accept-Post"
		if x.Method == "PATCH" {
			field = "Accept-Patch" // RFC 5789, section 2.2
		}
		return problem.New(problem.UnsupportedMediaType, reason).WithHeader(field, c.accept)
	}
	if x.Body.Valid {
		return nil
	}
	if read != nil {
		return read(x)
	}
	if c.config.Indexed {
		index, err := jsonspan.Parse(x.Body.Bytes, jsonspan.Bounds{})
		if err != nil {
			return broken(err)
		}
		x.Body.Index = index
	} else if err := jsonspan.Check(x.Body.Bytes, jsonspan.Bounds{}); err != nil {
		return broken(err)
	}
	x.Body.Valid = true
	return nil
}

// limit is the largest body, in bytes.
func (c *Content) limit() int64 {
	if c.config.MaxBody == 0 {
		return exchange.DefaultMaxBody
	}
	return c.config.MaxBody
}

// inflate takes a content coding off the body, once: what goes on is what is looked at.
func (c *Content) inflate(x *exchange.Exchange) *problem.Problem {
	coding, ok := inflate.Coding(x.Header["Content-Encoding"], c.config.Compressed)
	switch {
	case !ok:
		taken, detail := "identity", "the body may not have a content coding"
		if c.config.Compressed != nil {
			taken, detail = strings.Join(c.config.Compressed, ", "), "the body may have one content coding that is taken here, or none"
		}
		// RFC 9110, section 15.5.16: what codings would have been taken.
		return problem.New(problem.UnsupportedMediaType, detail).WithHeader("Accept-Encoding", taken)
	case coding == "":
		return nil
	}
	plain, err := inflate.Body(coding, x.Body.Bytes, c.limit())
	switch {
	case errors.Is(err, inflate.ErrTooLarge):
		return problem.New(problem.ContentTooLarge, "without its content coding the body may have at most "+strconv.FormatInt(c.limit(), 10)+
			" bytes, and "+strconv.Itoa(inflate.MaxRatio)+" times as many as with it")
	case err != nil:
		return problem.New(problem.InvalidBody, "the body is not what its content coding says").Because(err)
	}
	x.Body.Replace(plain)
	delete(x.Header, "Content-Encoding")
	return nil
}

var errNotRead = errors.New("the body was not read before it was to be validated")

// media gives who reads bodies of the declared type, nil for JSON, and says why it is not taken, "" if it is.
func (c *Content) media(fields []string) (read func(*exchange.Exchange) *problem.Problem, reason string) {
	if len(fields) == 0 {
		return nil, "the body needs a Content-Type"
	}
	if len(fields) > 1 {
		return nil, "the body may have but one Content-Type"
	}
	if fields[0] == "application/json" && !c.config.NoJSON { // by far the most common spelling
		return nil, ""
	}
	name, parameters, err := mime.ParseMediaType(fields[0])
	if err != nil {
		return nil, "the Content-Type cannot be understood"
	}
	read = c.readers[name]
	if read == nil && !slices.Contains(c.types, name) && !(c.config.Any && isJSON(name)) {
		return nil, "the body's media type is not supported here"
	}
	// RFC 8259, section 8.1: JSON between systems is UTF-8. XML and forms may be more (RFC 7303, RFC 7578), and are not here.
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return nil, "the body must be in UTF-8"
	}
	return read, ""
}

// isJSON says whether a media type is JSON or one of its kind (RFC 6838, section 4.2.8).
func isJSON(name string) bool {
	return name == "application/json" || strings.HasSuffix(name, "+json")
}

// other says whether a body is declared to be something else than JSON, or nothing.
func other(fields []string) bool {
	if len(fields) == 0 {
		return true
	}
	name, _, err := mime.ParseMediaType(fields[0])
	return len(fields) == 1 && err == nil && !isJSON(name)
}

func broken(err error) *problem.Problem {
	var mistake *jsonspan.Error
	if !errors.As(err, &mistake) {
		return problem.New(problem.InvalidBody, "").Because(err)
	}
	at := *mistake
	if len(at.Pointer) > maxPointer {
		at.Pointer = ""
	}
	return problem.New(problem.InvalidBody, at.Error()).With("errors", []Error{{Pointer: at.Pointer, Detail: at.Detail}})
}
