// Package textin reads text from outside: from files, stdin and environment variables. It is the
// one place that knows what editors, shells and spreadsheets add to a text: it removes a byte
// order mark, and the line end of a single line, and it refuses UTF-16 and other encodings by
// name, because a program that continued would store something other than what was meant.
package textin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

const mark = "\ufeff" // the byte order mark

// Text returns data as text, without its byte order mark. Its line ends stay. The error names the
// encoding, if it can be detected, and says what to do.
func Text(data []byte) (string, error) {
	if name := foreign(data); name != "" {
		return "", fmt.Errorf("it is %s: make it UTF-8, for example with iconv -f %s -t UTF-8", name, name)
	}
	if !utf8.Valid(data) {
		return "", fmt.Errorf("it is not valid UTF-8 at byte %d", invalid(data)+1)
	}
	return strings.TrimPrefix(string(data), mark), nil
}

// Line returns the first line of data, without a byte order mark, its line end and surrounding
// spaces. Errors are those of [Text], about that line.
func Line(data []byte) (string, error) {
	if foreign(data) == "" {
		data, _, _ = bytes.Cut(data, []byte("\n"))
	}
	line, err := Text(data)
	line, _, _ = strings.Cut(strings.TrimSpace(line), "\r")
	return strings.TrimSpace(line), err
}

// ReadLine reads the first line of r and not a byte more, and returns it as [Line] does. The end
// of r also ends a line; a line of more than limit bytes is refused. At the end of r it returns
// io.EOF.
func ReadLine(r io.Reader, limit int) (string, error) {
	var line []byte
	for one := make([]byte, 1); len(line) <= limit; {
		n, err := r.Read(one)
		if n == 1 {
			line = append(line, one[0])
		}
		if n == 1 && one[0] == '\n' || errors.Is(err, io.EOF) && len(line) > 0 {
			return Line(line)
		}
		if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("the line has more than %d bytes", limit)
}

// ReadFile returns the text of a file, as [Text] does. The error names the file.
func ReadFile(path string) (string, error) { return readFile(path, Text) }

// ReadFirstLine returns the first line of a file, as [Line] does. The error names the file.
func ReadFirstLine(path string) (string, error) { return readFile(path, Line) }

func readFile(path string, read func([]byte) (string, error)) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text, err := read(data)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return text, nil
}

// Getenv returns a getenv whose values have no byte order mark and no line end: files of variables
// written on Windows give each value a "\r". A nil getenv means os.Getenv.
func Getenv(getenv func(string) string) func(string) string {
	if getenv == nil {
		getenv = os.Getenv
	}
	return func(name string) string {
		return strings.TrimRight(strings.TrimPrefix(getenv(name), mark), "\r\n")
	}
}

// foreign returns the name of an encoding other than UTF-8 that data has, or "".
func foreign(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(data, []byte("\x00\x00\xfe\xff")):
		return "UTF-32"
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return "UTF-16"
	case nulls(data, 1):
		return "UTF-16LE"
	case nulls(data, 0):
		return "UTF-16BE"
	}
	return ""
}

// sample is how many bytes of a text are searched for NULs.
const sample = 256

// nulls reports whether every second byte of the beginning, starting at first, is NUL, and no
// other is: that is UTF-16 without a byte order mark.
func nulls(data []byte, first int) bool {
	data = data[:min(len(data), sample)]
	if len(data) < 4 {
		return false
	}
	for i, b := range data {
		if (b == 0) != (i%2 == first) {
			return false
		}
	}
	return true
}

// invalid returns where data stops being UTF-8.
func invalid(data []byte) int {
	for at := 0; at < len(data); {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			return at
		}
		at += n
	}
	return len(data)
}
