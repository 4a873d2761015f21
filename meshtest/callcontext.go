package meshtest

import (
	"context"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
)

// WithCallContext returns a ctx in which guards and methods see c, to test them without a
// mesh: [lmz.Mux.HandleCall] runs a method with its guards. In a mesh it changes nothing,
// because the gateway builds the context of every call from the connection.
func WithCallContext(ctx context.Context, c lmz.CallContext) context.Context {
	return node.WithCallContext(ctx, c)
}
