package tui

import (
	"bytes"
	"io"
	"os"
	"unicode/utf8"
)

const (
	pasteStart = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// composed is a terminal's input in which each composed word becomes a paste. An input
// method passes the terminal a finished word, which the terminal sends at once; as keys
// it would become an edit for each character. Fast typing is not mistaken for such a word,
// because keys are ASCII.
type composed struct {
	in      io.Reader
	pasting bool   // the terminal itself is sending a paste
	tail    []byte // the end of the last input, where a paste marker may begin
}

// composedFile is composed for a file, which the program must recognize as a file.
type composedFile struct {
	*os.File
	composed
}

// Read implements [io.Reader].
func (f *composedFile) Read(p []byte) (int, error) { return f.composed.Read(p) }

// withComposed returns in with composed words turned into pastes.
func withComposed(in io.Reader) io.Reader {
	if f, ok := in.(*os.File); ok {
		return &composedFile{File: f, composed: composed{in: f}}
	}
	return &composed{in: in}
}

// Read implements [io.Reader].
func (c *composed) Read(p []byte) (int, error) {
	room := len(p) - len(pasteStart) - len(pasteEnd)
	if room < utf8.UTFMax {
		return c.in.Read(p)
	}
	n, err := c.in.Read(p[:room])
	if n == 0 {
		return n, err
	}
	was := c.pasting
	c.watch(p[:n])
	if was || !isComposed(p[:n]) {
		return n, err
	}
	copy(p[len(pasteStart):], p[:n])
	copy(p, pasteStart)
	copy(p[len(pasteStart)+n:], pasteEnd)
	return len(pasteStart) + n + len(pasteEnd), err
}

// watch determines whether a paste continues after read.
func (c *composed) watch(read []byte) {
	all := append(c.tail, read...)
	start, end := bytes.LastIndex(all, []byte(pasteStart)), bytes.LastIndex(all, []byte(pasteEnd))
	if start != end { // at least one is there
		c.pasting = start > end
	}
	c.tail = append([]byte(nil), all[max(0, len(all)-len(pasteStart)+1):]...)
}

// isComposed reports whether the result of one read is text of several code points that
// keys do not send.
func isComposed(read []byte) bool {
	if !utf8.Valid(read) || utf8.RuneCount(read) < 2 {
		return false
	}
	foreign := false
	for _, r := range string(read) {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return false
		}
		foreign = foreign || r >= utf8.RuneSelf
	}
	return foreign
}
