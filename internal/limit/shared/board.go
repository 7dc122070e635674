package shared

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wicketgate/wicketgate/internal/usage"
)

var (
	//go:embed board.lua
	boardText   string
	boardScript = newScript(boardText)
)

// Of the board are the list of gateways that have written to it, a sorted set by when they did in milliseconds since 1970,
// and the places, a hash for each gateway and period, whose fields are written over each time. All begin with the prefix in
// braces, as the counts do: so a user of Redis that may reach those may reach these.
const (
	boardList   = ":u"
	boardPlaces = ":u:"
)

// onBoard is how long one word to the board may take: no request waits for it.
func (c *Counter) onBoard(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.patience())
}

func (c *Counter) boardPlace(gateway, place string) string {
	return c.tag + boardPlaces + gateway + ":" + place
}

// Write implements usage.Board.
func (c *Counter) Write(ctx context.Context, gateway, place string, fields []usage.Field, expires time.Time, keep time.Duration) (known bool, err error) {
	ctx, cancel := c.onBoard(ctx)
	defer cancel()
	keys := []string{c.tag + boardList}
	args := []any{gateway, keep.Milliseconds(), expires.UnixMilli()}
	if len(fields) > 0 {
		keys = append(keys, c.boardPlace(gateway, place))
		for _, f := range fields {
			args = append(args, f.Name, f.Value)
		}
	}
	cmd, err := boardScript.run(ctx, *c.client.Load(), keys, args...)
	if err != nil {
		return false, fmt.Errorf("sharing usage: %w", err)
	}
	n, err := cmd.Int64()
	if err != nil {
		return false, fmt.Errorf("sharing usage: %w", errAnswer)
	}
	return n == 1, nil
}

// Gateways implements usage.Board: those that were there last.
func (c *Counter) Gateways(ctx context.Context, most int) ([]string, error) {
	ctx, cancel := c.onBoard(ctx)
	defer cancel()
	all, err := (*c.client.Load()).ZRevRange(ctx, c.tag+boardList, 0, int64(most)-1).Result()
	if err != nil {
		return nil, fmt.Errorf("asking whose usage there is: %w", err)
	}
	return all, nil
}

// Read implements usage.Board.
func (c *Counter) Read(ctx context.Context, gateway string, places []string, each func(place string, f usage.Field)) error {
	ctx, cancel := c.onBoard(ctx)
	defer cancel()
	cmds := make([]*redis.MapStringStringCmd, len(places))
	_, err := (*c.client.Load()).Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, place := range places {
			cmds[i] = p.HGetAll(ctx, c.boardPlace(gateway, place))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading others' usage: %w", err)
	}
	for i, cmd := range cmds {
		for name, value := range cmd.Val() {
			each(places[i], usage.Field{Name: []byte(name), Value: []byte(value)})
		}
	}
	return nil
}

// Interface guards
var _ usage.Board = (*Counter)(nil)
