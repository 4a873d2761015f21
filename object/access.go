package object

import (
	"context"

	"github.com/lumenize/lmz/internal/store"
)

// access is an object's storage as [KV] and [SQL] use it: within the turn that ctx holds, and
// not after it. Without a turn all of it is [ErrNoTurn]. An error of f fails the turn.
type access interface {
	use(ctx context.Context, f func(store.Store) error) error

	// useTables is use with the object's tables, whose statements end with the time of the
	// turn.
	useTables(ctx context.Context, f func(store.Tables) error) error

	// beginLoop says, within useTables, that a loop reads c, and returns in which turn of the
	// handler. inLoop lets the loop use c in that turn, and endLoop closes c, unless the end
	// of the turn has.
	beginLoop(ctx context.Context, c store.Cursor) (turn int)
	inLoop(ctx context.Context, turn int, f func() error) error
	endLoop(ctx context.Context, c store.Cursor)
}
