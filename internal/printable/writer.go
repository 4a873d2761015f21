package printable

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// Writer passes on what is written to it in the form of [Text]. Make one with [NewWriter]. Its
// method may be called from any goroutine; the underlying writer gets one call at a time.
type Writer struct {
	mu      sync.Mutex // guards the following fields
	to      io.Writer
	cleaner cleaner
	rest    []byte // the beginning of something whose end has not been written yet
}

// NewWriter returns a writer in front of another one.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// Write implements [io.Writer]. It makes one write to the underlying writer.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := append(w.rest, p...)
	w.rest = nil
	if tail := unfinished(all); tail > 0 {
		w.rest = append([]byte{}, all[len(all)-tail:]...)
		all = all[:len(all)-tail]
	}
	if len(all) == 0 {
		return len(p), nil
	}
	if _, err := io.WriteString(w.to, w.cleaner.clean(string(all), keepBreaks, escapeText)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// unfinished returns how many bytes at the end of p depend on what follows: the beginning of a
// character, a joiner, which the next character decides about, and the beginning of a flag.
func unfinished(p []byte) int {
	n := partial(p)
	whole := p[:len(p)-n]
	if r, size := utf8.DecodeLastRune(whole); isJoiner(r) {
		return n + size
	}
	if at := bytes.LastIndex(whole, []byte(string(blackFlag))); at >= 0 && len(whole)-at < maxFlag {
		tags := string(whole[at+utf8.RuneLen(blackFlag):])
		for _, flag := range flags {
			if strings.HasPrefix(flag, tags) {
				return len(p) - at
			}
		}
	}
	return n
}

// maxFlag is the length of a flag made of tags, in bytes.
const maxFlag = 7 * utf8.UTFMax

// partial returns how many bytes at the end of p may be the beginning of a character.
func partial(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}
