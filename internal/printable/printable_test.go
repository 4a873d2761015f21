package printable

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// forbidden finds what must never be shown, by rules of its own.
func forbidden(t *testing.T, what, s string) {
	t.Helper()
	for _, flag := range flags { // only whole, and behind their base
		s = strings.ReplaceAll(s, string(blackFlag)+flag, string(blackFlag))
	}
	var before rune
	marks := 0
	for i, r := range s {
		bad := r < ' ' && r != '\n' && r != '\t' && !(r == '\r' && strings.HasPrefix(s[i:], "\r\n")) || r >= 0x7f && r < 0xa0 ||
			r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) || r == '\u00ad' || r == '\ufeff' || r >= 0xe0000 && r < 0xe0100
		switch {
		case r == '\u200c' || r == '\u200d':
			bad = before < 0x590
		case unicode.Is(unicode.Cf, r):
			bad = bad || !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
		case unicode.In(r, unicode.Mn, unicode.Me):
			marks++
		default:
			marks = 0
		}
		if bad || marks > MaxMarks {
			t.Fatalf("%s shows %q in %q", what, r, s)
		}
		before = r
	}
	if !utf8.ValidString(s) {
		t.Fatalf("%s is no UTF-8: %q", what, s)
	}
}

func TestWhatMustNotBeShownIsWrittenOut(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                  "plain",
		"":                       "",
		"\x1b]0;x\a":             `\u001b]0;x\u0007`,
		"a\u009b31mb\x7f":        `a\u009b31mb\u007f`,
		"\u202egpj.exe":          `\u202egpj.exe`,
		"a\u2066b\u2069\u200f":   `a\u2066b\u2069\u200f`,
		"a\u2028b\u2029":         `a\u2028b\u2029`,
		"soft\u00adhyphen\ufeff": `soft\u00adhyphen\ufeff`,
		"\U000e0041tag":          `\U000e0041tag`,
		"🏴\U000e0067\U000e0062\U000e0078\U000e007f": `🏴\U000e0067\U000e0062\U000e0078\U000e007f`,
		"🏴󠁧󠁢󠁥󠁮󠁧󠁿\U000e0041":                         `🏴󠁧󠁢󠁥󠁮󠁧󠁿\U000e0041`,
		"\xff\xed\xa0\x80":                          `\xff\xed\xa0\x80`,
		"one\ntwo\r\nthree\tx":                      "one\ntwo\r\nthree\tx",
		"over\rwritten":                             `over\u000dwritten`,
		"ad\u200dmin\u200c":                         `ad\u200dmin\u200c`,
		"z" + strings.Repeat("\u0301", 40) + "algo": "z" + strings.Repeat("\u0301", MaxMarks) + "…algo",
		"�": "�",
	} {
		if got := Text(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
	if got := Line(" one\ntwo\r\x1b"); got != ` one two \u001b` {
		t.Errorf("on one line: %q", got)
	}
	if got := Strip("a\u202e\x1bb\n" + strings.Repeat("\u0301", 9)); got != "ab "+strings.Repeat("\u0301", MaxMarks) {
		t.Errorf("stripped: %q", got)
	}
}

func TestWritingOfTheWorldStaysReadable(t *testing.T) {
	for _, s := range []string{
		"🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏴󠁧󠁢󠁳󠁣󠁴󠁿🏴󠁧󠁢󠁷󠁬󠁳󠁿 👩‍🦰 🏴‍☠️ 👁️‍🗨️ \U0001fae9‍🔥 🧑🏻‍\U0001faef‍🧑🏼",
		"👩‍👩‍👧 👩🏽‍🚀 🏳️‍🌈 ❤️‍🔥 🙂‍↔️ 1️⃣ 👩‍❤️‍💋‍👨",
		"العربية ۝١٢ ؀١ می‌خواهم", "שָׁלוֹם בְּרֵאשִׁ֖ית",
		"क्‍ष हिन्दी क्‍", "ශ්‍රී ලංකා", "ന്‍", "Tiếng Việt", "Tiê\u0301\u0323ng Viê\u0323\u0302t",
		"ภาษาไทย ที่นี้", "བསྒྲུབས་ཧཱུྃ", "日本語 한국어 ｆｕｌｌ", "naïve café", "\U0001f1e9\U0001f1ea", "ᠮᠣᠩᠭᠣᠯ",
	} {
		if got := Line(s); got != s {
			t.Errorf("%q is shown as %q", s, got)
		}
		if got := JSON([]byte(s)); string(got) != s {
			t.Errorf("%q is JSON as %q", s, got)
		}
		forbidden(t, "Line", s)
	}
}

func TestAWriterKnowsWhatItWroteBefore(t *testing.T) {
	const s = "é👩‍👩‍👧\x1b[31m\u009b日\xff" + "z\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301x"
	for size := 1; size < 9; size++ {
		var out bytes.Buffer
		w := NewWriter(&out)
		for rest := s; rest != ""; {
			n, err := w.Write([]byte(rest[:min(size, len(rest))]))
			if err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		forbidden(t, "Writer", out.String())
		if got := out.String(); !strings.Contains(got, `\u001b[31m\u009b日\xffz`) || !strings.HasSuffix(got, "…x") {
			t.Errorf("in pieces of %d: %q", size, got)
		}
	}
}

// However a text is divided among writes, a terminal shows what it is.
func TestEmojiAcrossWrites(t *testing.T) {
	const s = "a👩‍👩‍👧‍👦b 🏴󠁧󠁢󠁥󠁮󠁧󠁿🏴󠁧󠁢󠁷󠁬󠁳󠁿 🏴‍☠️ 👁️‍🗨️ क्‍ष می‌خواهم 🏴 ad\u200dmin \U000e0041\n"
	for size := 1; size < 30; size++ {
		var out bytes.Buffer
		w := NewWriter(&out)
		for rest := s; rest != ""; {
			n, err := w.Write([]byte(rest[:min(size, len(rest))]))
			if err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if got := out.String(); got != Text(s) {
			t.Errorf("in pieces of %d: %q", size, got)
		}
	}
}

func TestLongTextIsCutBetweenCharacters(t *testing.T) {
	if got := Cut("日本", 6); got != "日本" {
		t.Errorf("%q", got)
	}
	if got := Cut("日本", 5); got != "日… (6 bytes)" {
		t.Errorf("%q", got)
	}
}

func FuzzNothingForbiddenIsShown(f *testing.F) {
	for _, s := range []string{"\x1b]0;x\a", "\u202e\u009b", "👩‍👩‍👧", "z\u0301\u0301\u0301\u0301\u0301\u0301\u0301", "क्‍ष", "\xff\xed\xa0\x80", "\u0627\u200d\u200d\u0301\u200d"} {
		f.Add(s, 1)
	}
	f.Fuzz(func(t *testing.T, s string, size int) {
		text := Text(s)
		forbidden(t, "Text", text)
		forbidden(t, "Line", Line(s))
		forbidden(t, "Strip", Strip(s))
		if strings.ContainsAny(Line(s), "\n\r\t") {
			t.Fatalf("Line has several: %q", Line(s))
		}
		if again := Text(text); again != text {
			t.Fatalf("Text of %q is %q", text, again)
		}
		quoted, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		clean := JSON(quoted)
		forbidden(t, "JSON", string(clean))
		var back, want string
		if json.Unmarshal(clean, &back) != nil || json.Unmarshal(quoted, &want) != nil || back != want {
			t.Fatalf("JSON of %q means %q", s, back)
		}
		var out bytes.Buffer
		w := NewWriter(&out)
		size = max(size%7, 1)
		for rest := []byte(s); len(rest) > 0; {
			n, _ := w.Write(rest[:min(size, len(rest))])
			rest = rest[n:]
		}
		forbidden(t, "Writer", strings.ReplaceAll(out.String(), "\r\n", "\n"))
	})
}
