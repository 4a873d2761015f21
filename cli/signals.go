package cli

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"
)

const signalsText = `What signals do

  SIGINT, SIGTERM  the command stops: a server says goodbye to its clients, commits and
                   closes its files, and exits with 0; others exit with 130. A second
                   one ends the process at once, with 130
  SIGHUP           'lmz gateway' reads the file of --config again and all files that its
                   settings name. In use at once are tls-cert and tls-key (if it does TLS
                   already), app-name, bootstrap-email, mail-from, smtp, smtp-helo,
                   smtp-password-file, resend-key-file, turnstile-secret-file and
                   turnstile-site-key. Of the others it logs which have changed, for the
                   next start. If anything cannot be used, it logs why, and what was read
                   before remains in use. Every other command, 'lmz dev' too, stops as at
                   SIGTERM. Where SIGHUP was ignored from the start, as under nohup, it
                   does nothing
  SIGPIPE          servers go on when the reader of their stdout or stderr has gone,
                   count the lines that were lost, and log that as soon as they can;
                   other commands end
  SIGQUIT          the process ends at once and prints what its goroutines do
  SIGKILL          the process ends at once; what was acknowledged is on disk`

func signalsTopic() *cobra.Command {
	return &cobra.Command{Use: "signals", Short: "What signals do", Long: signalsText}
}

// Interruptible returns a ctx that ends with the first Ctrl-C or SIGTERM. After a
// second one the process exits at once, as interrupted. SIGHUP ends the ctx as well, unless
// a command has asked for it. Stop ends the watching.
func Interruptible(ctx context.Context) (_ context.Context, stop func()) {
	h := &hangups{came: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.WithValue(ctx, hangupsKey{}, h))
	watched := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // else it is to be ignored: nohup
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
				os.Exit(exitInterrupted)
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

// takeHangups has SIGHUP no longer end ctx. The channel tells when one came; it is nil if
// nobody watches signals for ctx.
func takeHangups(ctx context.Context) <-chan struct{} {
	h, ok := ctx.Value(hangupsKey{}).(*hangups)
	if !ok {
		return nil
	}
	h.taken.Store(true)
	return h.came
}

// pass tells the command that takes hangups, if there is one.
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
