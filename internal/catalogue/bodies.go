package catalogue

// Bodies is what may stand on an API, on a version and on a route about the bodies of messages; the nearest wins.
type Bodies struct {
	Compressed []string // content codings that are taken off; nil where not written, empty for none
	ReportOnly *bool    // validation refuses nothing, but is told of; nil where not written
}

// bodyTerms are the attributes of Bodies.
var bodyTerms = []attribute{
	{name: "compressed", kind: each{of: choice{of: []string{"gzip", "zstd"}}, max: 2}, absent: "that of the nearest level around, at last none: a body with one is answered 415",
		doc: "The content codings that bodies of requests may have where they are read. They are taken off, so that the service gets the body without: within `max_body` and at most 100 times what came."},
	{name: "report_only", kind: truth{}, absent: "that of the nearest level around, at last `false`",
		doc: "Whether what validation finds is logged and counted, and the request goes on. What else reads the body still refuses one that is not well formed."},
}

func bodies(n *node) Bodies {
	var b Bodies
	if n.written("compressed") {
		b.Compressed = texts(n, "compressed")
		if b.Compressed == nil {
			b.Compressed = []string{}
		}
	}
	if n.written("report_only") {
		only := take[bool](n, "report_only")
		b.ReportOnly = &only
	}
	return b
}

// near takes from a nearer level what that has written.
func (b *Bodies) near(next Bodies) {
	if next.Compressed != nil {
		b.Compressed = next.Compressed
	}
	if next.ReportOnly != nil {
		b.ReportOnly = next.ReportOnly
	}
}

// Reports says whether validation refuses nothing.
func (b *Bodies) Reports() bool { return b.ReportOnly != nil && *b.ReportOnly }
