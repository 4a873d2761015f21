package callargs

import (
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/lumenize/lmz/cli/internal/jsonvalue"
	"github.com/lumenize/lmz/internal/textin"
)

// maxInput is the size limit of one argument, in bytes. No frame carries more.
const maxInput = 1 << 20

// Inputs reads arguments from files and stdin.
type Inputs struct {
	Stdin io.Reader

	taken bool // stdin has been read
}

// Taken reports whether stdin was an argument.
func (in *Inputs) Taken() bool { return in.taken }

// text returns the text that a word stands for: @FILE is the contents of a file, - is stdin,
// and anything else is itself. A byte order mark is dropped.
func (in *Inputs) text(word string) (string, error) {
	file, isFile := strings.CutPrefix(word, "@")
	var from io.Reader
	switch {
	case word == "-" && in.taken:
		return "", errors.New("stdin is already an argument")
	case word == "-":
		in.taken = true
		from = in.Stdin
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
		return "", errors.New("it exceeds 1 MiB, the most that a call can carry")
	}
	return textin.Text(data)
}

// argument reads one argument: JSON or the text of --text, each possibly from a file or stdin.
func (in *Inputs) argument(word string) (any, error) {
	if text, is := strings.CutPrefix(word, textMark); is {
		if !utf8.ValidString(text) {
			return nil, errors.New("it is not valid UTF-8")
		}
		return in.text(text)
	}
	text, err := in.text(word)
	if err != nil {
		return nil, err
	}
	return jsonvalue.ParseRich(text)
}
