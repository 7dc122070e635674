package identity

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

func named(s string, by *boundSet) *tokenName { return &tokenName{sha256.Sum256([]byte(s)), by} }

// TestRemembered shows that a remembered token is good no longer than a verified one, and with no other keys, and that
// nothing but a good token is remembered.
func TestRemembered(t *testing.T) {
	i := newIssuer(t)
	m := i.tokens(t, JWTConfig{}, nil)
	token := i.sign(t, "ES256", header("ES256"), claimsWith(map[string]any{
		"jti": t.Name(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}))
	known := func() bool { return verified.get(named(token, m.bound.Load()), now) != nil }
	ask := func(at time.Time) (*exchange.Consumer, *Refusal) {
		x := request("Authorization", "Bearer "+token)
		x.Time = at
		return m.Authenticate(x)
	}
	if _, r := ask(now.Add(-2 * time.Minute)); r == nil || known() {
		t.Fatal("a token that is not valid yet is remembered")
	}
	first, r := ask(now)
	if r != nil || !known() {
		t.Fatalf("not remembered: %v", r)
	}
	for _, test := range []struct {
		at   time.Duration
		want string // "" for the consumer
	}{
		{0, ""},
		{-time.Minute, ""}, // the leeway
		{-time.Minute - time.Second, "the token is not valid yet"},
		{2*time.Minute - time.Second, ""}, // the leeway
		{2 * time.Minute, "the token has expired"},
	} {
		c, r := ask(now.Add(test.at))
		switch {
		case test.want == "" && c != first:
			t.Errorf("%s: another consumer, %v", test.at, r)
		case test.want != "" && (r == nil || r.Detail != test.want):
			t.Errorf("%s: %v, want %s", test.at, r, test.want)
		}
	}
	other := i.tokens(t, JWTConfig{Audience: []string{"billing"}}, nil)
	if _, r := other.Authenticate(request("Authorization", "Bearer "+token)); r == nil {
		t.Error("what one method accepted is accepted by another")
	}
	end := strings.LastIndexByte(token, '.')
	if _, r := m.Authenticate(request("Authorization", "Bearer "+token[:end+1]+"AAAA"+token[end+5:])); r == nil {
		t.Error("a token is known without its signature")
	}
}

// TestMemoryIsBounded fills a memory beyond each of its bounds. What was asked for lately stays the longest.
func TestMemoryIsBounded(t *testing.T) {
	for _, test := range []struct {
		name          string
		tokens, bytes int
		length        int
		most          int // tokens that may be there
	}{
		{"tokens", 64, 1 << 30, 100, 64},
		{"bytes", 1 << 20, 64 * (tokenCost + tokenExpanded*1000), 1000, 64},
		{"one that is too large", 64, memoryShards * tokenCost, 1000, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMemory(test.tokens, test.bytes)
			until := now.Add(time.Hour)
			favourite := &exchange.Consumer{ID: "favourite"}
			for n := range 5000 {
				m.put(named("favourite", nil), favourite, test.length, now, until)
				m.get(named("favourite", nil), now)
				m.put(named(fmt.Sprint(n), nil), &exchange.Consumer{}, test.length, now, until)
				if test.most > 0 && m.get(named(fmt.Sprint(n), nil), now) == nil {
					t.Fatal("the newest is not there")
				}
			}
			count := 0
			for i := range m.shards {
				s := &m.shards[i]
				count += len(s.known)
				if len(s.known) != len(s.ring) || s.room < 0 || s.room > test.bytes/memoryShards {
					t.Errorf("a shard has %d, %d in its ring, room for %d bytes", len(s.known), len(s.ring), s.room)
				}
			}
			if count > test.most {
				t.Errorf("it has %d", count)
			}
			if test.most > 0 && m.get(named("favourite", nil), now) != favourite {
				t.Error("what was asked for all the time is gone")
			}
		})
	}
}

// TestMemoryIsShared asks for and adds tokens at once.
func TestMemoryIsShared(t *testing.T) {
	m := newMemory(64, 1<<20)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for n := range 2000 {
				name := named(fmt.Sprint(n%100), nil)
				if c := m.get(name, now); c != nil && c.ID != fmt.Sprint(n%100) {
					t.Errorf("%d: %s is taken for %d", g, c.ID, n%100)
				}
				m.put(name, &exchange.Consumer{ID: fmt.Sprint(n % 100)}, 10, now, now.Add(time.Hour))
			}
		})
	}
	all.Wait()
}
