package cli

import (
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"
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
	case strings.HasPrefix(string(data), "\xff\xfe"), strings.HasPrefix(string(data), "\xfe\xff"):
		return "", errors.New("it is UTF-16: make it UTF-8")
	case !utf8.Valid(data):
		return "", errors.New("it is not valid UTF-8")
	}
	return strings.TrimPrefix(string(data), "\ufeff"), nil
}
