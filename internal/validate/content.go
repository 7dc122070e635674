package validate

import (
	"errors"
	"mime"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// maxPointer bounds, in bytes, the pointer into a broken body that its sender is told: names may be as long as it.
const maxPointer = 512

// ContentConfig says what bodies a route takes.
type ContentConfig struct {
	// MediaTypes are taken besides application/json: "application/vnd.acme.v1+json". Lower case, without parameters.
	MediaTypes []string
	// Required are the methods that must come with a body.
	Required []string
	// MaxBody bounds the body in bytes; 0 means exchange.DefaultMaxBody.
	MaxBody int64
	// Report, if set, is told each problem instead of the caller, and the request goes on.
	Report Report
}

// Content is the first piece of the stage: the body is JSON by its declaration and strict JSON (RFC 7493) in fact.
// Everything after it may rely on Body.Valid.
type Content struct {
	config ContentConfig
	types  []string
	accept string // for Accept-Post and Accept-Patch
}

// NewContent makes the stage. There is nothing in its configuration that could be wrong.
func NewContent(c ContentConfig) *Content {
	types := []string{"application/json"}
	for _, t := range c.MediaTypes {
		if !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return &Content{config: c, types: types, accept: strings.Join(types, ", ")}
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

// Handle refuses what is not strict JSON in UTF-8 without content coding, or not there though it must be: 400 or 415.
// A body over the bound was refused with 413 when it was read.
func (c *Content) Handle(x *exchange.Exchange) *problem.Problem {
	p := c.check(x)
	if p != nil && c.config.Report != nil {
		c.config.Report(x, p)
		return nil
	}
	return p
}

func (c *Content) check(x *exchange.Exchange) *problem.Problem {
	if !x.Body.Read {
		return problem.New(problem.Internal, "").Because(errNotRead)
	}
	if len(x.Body.Bytes) == 0 {
		if slices.Contains(c.config.Required, x.Method) {
			return problem.New(problem.InvalidBody, "the request needs a body")
		}
		return nil
	}
	for _, coding := range x.Header["Content-Encoding"] {
		if !strings.EqualFold(coding, "identity") {
			// RFC 9110, section 15.5.16: what codings would have been taken.
			return problem.New(problem.UnsupportedMediaType, "the body may not have a content coding").WithHeader("Accept-Encoding", "identity")
		}
	}
	if reason := c.media(x.Header["Content-Type"]); reason != "" {
		field := "Accept-Post"
		if x.Method == "PATCH" {
			field = "Accept-Patch" // RFC 5789, section 2.2
		}
		return problem.New(problem.UnsupportedMediaType, reason).WithHeader(field, c.accept)
	}
	if x.Body.Valid {
		return nil
	}
	if err := jsonspan.Check(x.Body.Bytes, jsonspan.Bounds{}); err != nil {
		return broken(err)
	}
	x.Body.Valid = true
	return nil
}

var errNotRead = errors.New("the body was not read before it was to be validated")

// media says why the declared type is not taken, "" if it is.
func (c *Content) media(fields []string) string {
	if len(fields) == 0 {
		return "the body needs a Content-Type"
	}
	if len(fields) > 1 {
		return "the body may have but one Content-Type"
	}
	if fields[0] == "application/json" { // by far the most common spelling
		return ""
	}
	name, parameters, err := mime.ParseMediaType(fields[0])
	if err != nil {
		return "the Content-Type cannot be understood"
	}
	if !slices.Contains(c.types, name) {
		return "the body's media type is not supported here"
	}
	// RFC 8259, section 8.1: JSON between systems is UTF-8.
	if charset, ok := parameters["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return "the body must be in UTF-8"
	}
	return ""
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
