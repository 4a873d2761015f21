package object

import (
	"context"

	"github.com/lumenize/lmz/internal/store"
)

// access is an object's storage as [KV] and [SQL] use it: only within the turn that ctx
// holds. Without a turn every method fails with [ErrNoTurn]. An error of f fails the turn.
type access interface {
	use(ctx context.Context, f func(store.Store) error) error

	// useTables is like use, for the object's tables. Their statements are interrupted when the
	// turn exceeds its time limit.
	useTables(ctx context.Context, f func(store.Tables) error) error

	// beginLoop, called within useTables, registers a loop that reads c and returns the
	// handler's turn number. inLoop lets the loop use c in that turn, and endLoop closes c,
	// unless the end of the turn already has.
	beginLoop(ctx context.Context, c store.Cursor) (turn int)
	inLoop(ctx context.Context, turn int, f func() error) error
	endLoop(ctx context.Context, c store.Cursor)
}
