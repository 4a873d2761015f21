package object

import (
	"runtime/debug"

	"github.com/lumenize/lmz/internal/proto"
)

// protect turns a panic of f into an error.
func protect(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &proto.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}
