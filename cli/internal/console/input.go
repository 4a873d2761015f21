package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/lumenize/lmz/internal/textin"
)

// MaxLine is the limit of a line of stdin, in bytes. An access token fits.
const MaxLine = 64 << 10

// ReadLine reads a line of stdin, until ctx ends. At the end of stdin it returns io.EOF.
func (c *Console) ReadLine(ctx context.Context) (string, error) {
	return interruptible(ctx, func() (string, error) { return textin.ReadLine(c.In, MaxLine) })
}

// Confirm reads an answer and reports whether it is yes.
func (c *Console) Confirm(ctx context.Context) (bool, error) {
	line, err := c.ReadLine(ctx)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	answer := strings.ToLower(line)
	return answer == "y" || answer == "yes", err
}

// ReadSecret reads a line, without showing it if it comes from a terminal.
func (c *Console) ReadSecret(ctx context.Context, prompt string) (string, error) {
	f, ok := c.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return c.ReadLine(ctx)
	}
	shown, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", err
	}
	fmt.Fprint(c.Err, prompt)
	line, err := interruptible(ctx, func() ([]byte, error) { return term.ReadPassword(int(f.Fd())) })
	fmt.Fprintln(c.Err)
	if ctx.Err() != nil {
		err = errors.Join(err, term.Restore(int(f.Fd()), shown))
	}
	return string(line), err
}

// interruptible runs f, which reads from a terminal, until ctx ends. Then it abandons f: a read
// cannot be cancelled, and the program is about to exit.
func interruptible[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	go func() {
		value, err := f()
		results <- result{value, err}
	}()
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
		return *new(T), context.Cause(ctx)
	}
}
