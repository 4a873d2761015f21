package tui

import (
	"io"
	"strings"
	"testing"
)

// reads is an input in pieces, each of which is returned by one read.
type reads []string

func (r *reads) Read(p []byte) (int, error) {
	if len(*r) == 0 {
		return 0, io.EOF
	}
	n := copy(p, (*r)[0])
	if (*r)[0] = (*r)[0][n:]; (*r)[0] == "" {
		*r = (*r)[1:]
	}
	return n, nil
}

func TestComposedWordsAsPastes(t *testing.T) {
	for _, test := range []struct{ in, want []string }{
		{[]string{"日本語"}, []string{pasteStart + "日本語" + pasteEnd}},
		{[]string{"a", "日本", "b", "é"}, []string{"a", pasteStart + "日本" + pasteEnd, "b", "é"}},
		{[]string{"e\u0301", "👩‍👩‍👧", "typed fast", "日本\r", "\x1b[A日本"},
			[]string{pasteStart + "e\u0301" + pasteEnd, pasteStart + "👩‍👩‍👧" + pasteEnd, "typed fast", "日本\r", "\x1b[A日本"}},
		// The terminal's own pastes are unchanged, even if a piece ends within their markers.
		{[]string{pasteStart + "日本", "日本", "日本\x1b[20", "1~", "日本"},
			[]string{pasteStart + "日本", "日本", "日本\x1b[20", "1~", pasteStart + "日本" + pasteEnd}},
		{[]string{"\x1b[2", "00~", "日本", pasteEnd, "日本"}, []string{"\x1b[2", "00~", "日本", pasteEnd, pasteStart + "日本" + pasteEnd}},
		{[]string{"日本\xe6", "\x97\xa5"}, []string{"日本\xe6", "\x97\xa5"}}, // a piece of something longer
	} {
		in := reads(test.in)
		c := withComposed(&in)
		var got []string
		for p := make([]byte, 100); ; {
			n, err := c.Read(p)
			if err != nil {
				break
			}
			got = append(got, string(p[:n]))
		}
		if strings.Join(got, "|") != strings.Join(test.want, "|") {
			t.Errorf("%q is read as %q, want %q", test.in, got, test.want)
		}
	}
	in := reads{strings.Repeat("日本", 40)}
	if all, err := io.ReadAll(io.LimitReader(withComposed(&in), 1<<10)); err != nil || !strings.HasPrefix(string(all), pasteStart+"日") {
		t.Errorf("a long one: %q, %v", all, err)
	}
}
