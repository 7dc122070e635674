package gateway

import (
	"strings"
	"testing"
)

// comments is an API whose objects hold themselves: a comment has replies, and quotes an article, which has comments.
var comments = map[string]string{
	"comments.hcl": `
upstream "new" { servers = ["https://new.example"] }
api "comments" {
  upstream  = upstream.new
  identify  = [anonymous]
  authorize = public
  versioning { path = true }
  object "comment" {
    schema = "comment.json"
    holds  = { "replies[*]" = object.comment, "about.article" = object.article }
  }
  object "article" {
    schema = "article.json"
    holds  = { "first" = object.comment }
  }
  route "POST /comments" {
    accepts = object.comment
    returns = object.comment
  }
  version "v1" { released = "2023-01-01" }
  version "v2" {
    released = "2024-01-01"
    change "replies" {
      summary = "answers are called replies, points are tenths, what is quoted is wrapped."
      on      = object.comment
      rename "answers" { to = "replies" }
      scale "points" { decimals = 1 }
      wrap "about" { in = "article" }
    }
    change "title" {
      summary = "name is called title; the first comment is not listed."
      on      = object.article
      rename "name" { to = "title" }
      unlist "first" {}
    }
  }
}
`,
	"comment.json": `{
  "type": "object",
  "properties": {
    "replies": { "type": "array", "items": { "$ref": "#" } },
    "points": { "type": "integer", "maximum": 100 },
    "about": { "type": "object", "properties": { "article": { "$ref": "article.json" } }, "required": ["article"], "additionalProperties": false }
  },
  "additionalProperties": false
}`,
	"article.json": `{"type":"object","properties":{"title":{"type":"string"},"first":{"$ref":"comment.json"}},"additionalProperties":false}`,
}

func TestObjectsThatHoldThemselves(t *testing.T) {
	g, upstreams, diags := catalogued(t, comments)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	const (
		old = `{"points":"0.5","answers":[{"points":"1.0","answers":[{"about":{"name":"A","first":[{"points":"%","answers":[]}]}}]}]}`
		new = `{"points":5,"replies":[{"points":10,"replies":[{"about":{"article":{"title":"A","first":{"points":70,"replies":[]}}}}]}]}`
	)
	body := strings.Replace(old, "%", "7.0", 1)
	status, answer := g.request(t, "POST", "/v1/comments", body)
	if status != 200 || upstreams["new"].got != new || answer != body {
		t.Errorf("%d\nthe service got %s\nand the caller %s", status, upstreams["new"].got, answer)
	}
	const place = `"pointer":"/answers/0/answers/0/about/first/0/points"`
	for _, wrong := range []string{"7", "70.0"} {
		if status, answer := g.request(t, "POST", "/v1/comments", strings.Replace(old, "%", wrong, 1)); status != 422 || !strings.Contains(answer, place) {
			t.Errorf("%s points: %d %s", wrong, status, answer)
		}
	}
}

// What cannot be ordered is refused with its place.
func TestObjectsThatReachIntoThemselves(t *testing.T) {
	files := map[string]string{
		"comment.json": comments["comment.json"], "article.json": comments["article.json"],
		"comments.hcl": strings.Replace(comments["comments.hcl"], `unlist "first" {}`, `rename "first.points" { to = "score" }`, 1),
	}
	_, _, diags := catalogued(t, files)
	for _, d := range diags {
		if d.Summary == "Change reaches into another object" && d.Subject.Start.Line == 34 {
			return
		}
	}
	t.Errorf("got %v", diags)
}
