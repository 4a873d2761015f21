// Package signals ends commands at Ctrl-C and SIGTERM, and passes SIGHUP to the one that
// takes it.
package signals

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/lumenize/lmz/cli/internal/exit"
)

// Interruptible returns a ctx that ends with the first Ctrl-C or SIGTERM. After a
// second one the process exits at once, as interrupted. SIGHUP ends the ctx as well, unless
// a command takes it ([TakeHangups]). stop releases the signals.
func Interruptible(ctx context.Context) (_ context.Context, stop func()) {
	h := &hangups{came: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.WithValue(ctx, hangupsKey{}, h))
	watched := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		watched = append(watched, syscall.SIGHUP)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, watched...)
	done := make(chan struct{})
	go func() {
		for first := true; ; {
			select {
			case s := <-signals:
				if s == syscall.SIGHUP { // terminals send it more than once
					if !h.pass() {
						cancel()
					}
					continue
				}
			case <-done:
				return
			}
			if !first {
				os.Exit(exit.Interrupted)
			}
			first = false
			cancel()
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// hangups are the SIGHUPs of this process, for the command that takes them.
type hangups struct {
	taken atomic.Bool
	came  chan struct{} // one slot
}

type hangupsKey struct{}

// TakeHangups keeps SIGHUP from ending ctx, and returns a channel that reports each one. It is
// nil if ctx is not from [Interruptible].
func TakeHangups(ctx context.Context) <-chan struct{} {
	h, ok := ctx.Value(hangupsKey{}).(*hangups)
	if !ok {
		return nil
	}
	h.taken.Store(true)
	return h.came
}

// pass tells the command that takes hangups, and reports whether there is one.
func (h *hangups) pass() bool {
	if !h.taken.Load() {
		return false
	}
	select {
	case h.came <- struct{}{}:
	default: // it has not looked since the last one
	}
	return true
}
