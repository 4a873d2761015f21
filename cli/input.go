package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/lumenize/lmz/internal/textin"
)

// maxInput is how much one argument may have, in bytes: more fits in no frame.
const maxInput = 1 << 20

// inputs reads arguments that stand in files or come on stdin.
type inputs struct {
	stdin io.Reader
	taken bool // stdin has been read
}

// text is what a word stands for: @FILE for what a file has, - for what comes on stdin,
// and anything else for itself. A byte order mark is no part of a text.
func (in *inputs) text(word string) (string, error) {
	file, isFile := strings.CutPrefix(word, "@")
	var from io.Reader
	switch {
	case word == "-" && in.taken:
		return "", errors.New("stdin is an argument already")
	case word == "-":
		in.taken = true
		from = in.stdin
	case isFile:
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		from = f
	default:
		return word, nil
	}
	data, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	switch {
	case err != nil:
		return "", err
	case len(data) > maxInput:
		return "", errors.New("it has more than 1 MiB, which no call can carry")
	}
	return textin.Text(data)
}

// maxLine is the longest line that stdin may bring, in bytes: an access token fits.
const maxLine = 64 << 10

// readLine reads a line of stdin, until ctx ends. At its end it is io.EOF.
func (a *app) readLine(ctx context.Context) (string, error) {
	return interruptible(ctx, func() (string, error) { return textin.ReadLine(a.In, maxLine) })
}
