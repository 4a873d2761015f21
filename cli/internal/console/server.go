package console

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/lumenize/lmz/debug"
	"github.com/lumenize/lmz/internal/printable"
)

// RunForLong puts outlets in front of stdout and stderr for the rest of this run. From then on,
// a write to a closed pipe fails instead of ending the program.
func (c *Console) RunForLong() {
	pipes := make(chan os.Signal, 1) // nobody reads it: it keeps the runtime from exiting
	signal.Notify(pipes, syscall.SIGPIPE)
	errs := newOutlet(c.given.Err, nil)
	c.Err = printable.NewWriter(errs)
	log := c.Log(ServerLog).With(debug.Namespace, "lmz.log")
	out := newOutlet(c.given.Out, func(lines int, why error) error {
		log.Warn("lines of stdout were lost", "lines", lines, "error", why)
		return nil
	})
	c.Out = c.escaped(out)
	c.drain = func() {
		out.close()
		errs.close()
		signal.Stop(pipes)
	}
}
