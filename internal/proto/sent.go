//go:build !js

package proto

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"

	"github.com/lumenize/lmz/internal/scope"
)

// Sent returns a function to call when a call leaves a node of this process. It notifies the
// observer of lmz.OnSent.
func Sent(ctx context.Context) func(*Call) {
	f := scope.Sent(ctx)
	if f == nil {
		return func(*Call) {}
	}
	return func(c *Call) {
		id := c.ID
		if id == (CallID{}) {
			id = CallID{Session: thisLife(), Number: calls.Add(1)}
		}
		f(id.String())
	}
}

// calls counts the calls of this process whose ids were requested.
var calls atomic.Uint64

// thisLife identifies one life of this process.
var thisLife = sync.OnceValue(func() (id SessionID) {
	rand.Read(id[:])
	return id
})
