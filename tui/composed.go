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

// composed is the input of a terminal in which a composed word is one paste. An input
// method hands the terminal a word when it is finished, and the terminal sends it at
// once; as keys it would be an edit for each character. Keys are ASCII, so a user who
// types fast is not taken for one.
type composed struct {
	in      io.Reader
	pasting bool   // the terminal is sending a paste of its own
	tail    []byte // the end of what was read last, where the mark of a paste may begin
}

// composedFile is composed for a file, which the program has to see as one.
type composedFile struct {
	*os.File
	composed
}

// Read implements [io.Reader].
func (f *composedFile) Read(p []byte) (int, error) { return f.composed.Read(p) }

// withComposed returns in with composed words as pastes.
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

// watch finds out whether a paste goes on behind read.
func (c *composed) watch(read []byte) {
	all := append(c.tail, read...)
	start, end := bytes.LastIndex(all, []byte(pasteStart)), bytes.LastIndex(all, []byte(pasteEnd))
	if start != end { // at least one is there
		c.pasting = start > end
	}
	c.tail = append([]byte(nil), all[max(0, len(all)-len(pasteStart)+1):]...)
}

// isComposed reports whether what was read at once is text of several code points that
// no keys make.
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
