package bundle

import (
	"testing"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
	"github.com/wicketgate/wicketgate/internal/policy"
)

// A bundle with which something panics as it is taken ends neither the looking for others nor the process.
func TestPanicOfTaking(t *testing.T) {
	t.Parallel()
	server := bundletest.NewServer(t)
	server.Serve(allows("1").Pack(t))
	g := newGateway(t, server, polling)
	g.start()
	g.active("1")
	calm := g.member.take
	g.feed.offering.Lock()
	g.member.take = func(s *policy.Snapshot) error {
		if s.Revision() == "2" {
			panic("no such thing")
		}
		return calm(s)
	}
	g.feed.offering.Unlock()
	server.Serve(allows("2").Pack(t))
	g.within("it is refused", func() bool { return g.saw(Refused, "the gateway gave up: no such thing") })
	server.Serve(allows("3").Pack(t))
	g.active("3")
}
