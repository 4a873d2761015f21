package text

import (
	"errors"
	"math/bits"
	"unicode/utf8"
)

// ErrSplit says that a position is between the two halves of a character that has two
// UTF-16 units.
var ErrSplit = errors.New("a position is inside a character")

// ErrLength says that a change set is for a text of another length.
var ErrLength = errors.New("the change set is made for a text of another length")

// Units returns the length of s in UTF-16 units: two for characters beyond U+FFFF, one
// for all others.
func Units(s string) int {
	n := len(s)
	for ; len(s) >= 8; s = s[8:] {
		// Eight bytes at once: a 10 MB text is counted each time it is created.
		b := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		const top = 0x8080808080808080 // the first bit of each byte
		if b&top == 0 {
			continue
		}
		n -= bits.OnesCount64(b &^ (b << 1) & top)                      // 10xxxxxx continues a character
		n += bits.OnesCount64(b & (b << 1) & (b << 2) & (b << 3) & top) // 1111xxxx begins two units
	}
	for i := range len(s) {
		switch b := s[i]; {
		case b >= 0xF0:
			n++
		case b >= 0x80 && b < 0xC0:
			n--
		}
	}
	return n
}

// offset returns the byte at which unit pos of s begins, and false if that is inside a
// character. units is the length of s.
func offset(s string, units, pos int) (int, bool) {
	if units == len(s) {
		return pos, true
	}
	i := 0
	for n := 0; n < pos; {
		switch b := s[i]; {
		case b < 0x80:
			i++
			n++
		case b >= 0xF0:
			if n+1 == pos {
				return i, false
			}
			i += 4
			n += 2
		case b >= 0xE0:
			i += 3
			n++
		default:
			i += 2
			n++
		}
	}
	return i, true
}

// valid returns s with every byte that is not UTF-8 replaced by U+FFFD: a Go string can
// hold such bytes, a text cannot.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
