package textin

import (
	"strings"

	"github.com/lumenize/lmz/text"
)

// Form is the encoding details of a text file that a shared text does not have. The zero value is
// that of a new file: no byte order mark, and "\n" as line ends.
type Form struct {
	Mark  bool   // it begins with a byte order mark
	Break string // what ends its lines, "\n", "\r\n" or "\r"; "" means "\n"
	Mixed bool   // not all lines do: Break is what ends most of them
}

// Parse returns the text of a file, with "\n" as line ends, and the form in which [Form.Bytes]
// writes it back. Errors are those of [Text].
func Parse(data []byte) (string, Form, error) {
	content, err := Text(data)
	if err != nil {
		return "", Form{}, err
	}
	both := strings.Count(content, "\r\n")
	f := Form{Mark: strings.HasPrefix(string(data), mark), Break: "\n"}
	most, kinds := 0, 0
	for _, end := range []struct {
		is string
		n  int
	}{{"\n", strings.Count(content, "\n") - both}, {"\r\n", both}, {"\r", strings.Count(content, "\r") - both}} {
		if end.n > 0 {
			kinds++
		}
		if end.n > most {
			f.Break, most = end.is, end.n
		}
	}
	f.Mixed = kinds > 1
	return text.Breaks(content), f, nil
}

// Bytes returns content in the form of a file. If the line ends of the file were mixed, all become
// what most were.
func (f Form) Bytes(content string) []byte {
	content = text.Breaks(content)
	if f.Break != "" && f.Break != "\n" {
		content = strings.ReplaceAll(content, "\n", f.Break)
	}
	if f.Mark {
		content = mark + content
	}
	return []byte(content)
}

// Name returns the usual name of the line ends of f.
func (f Form) Name() string {
	switch f.Break {
	case "\r\n":
		return "CRLF"
	case "\r":
		return "CR"
	}
	return "LF"
}
