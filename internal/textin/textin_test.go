package textin

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// encode writes a text as UTF-16.
func encode(order binary.AppendByteOrder, s string) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

func TestTextFromWindows(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain\r\n": "plain\r\n", "\ufeffmarked": "marked", "\ufeff\ufeffx": "\ufeffx", "日本": "日本", "a\x00": "a\x00", "a\x00b": "a\x00b", "\x00": "\x00",
	} {
		if got, err := Text([]byte(in)); got != want || err != nil {
			t.Errorf("%q is read as %q, %v", in, got, err)
		}
	}
	for name, in := range map[string][]byte{
		"UTF-16":            encode(binary.LittleEndian, "\ufeffsecret\r\n"),
		"UTF-16 ":           encode(binary.BigEndian, "\ufeffsecret"),
		"UTF-16LE":          encode(binary.LittleEndian, "{\"a\": 1}"),
		"UTF-16BE":          encode(binary.BigEndian, "ab"),
		"UTF-32":            []byte("\xff\xfe\x00\x00a\x00\x00\x00"),
		"UTF-8 at byte 4":   []byte("caf\xe9"),
		"UTF-8 at byte 1":   []byte("\x93quoted\x94"),
		"UTF-8 at byte 2, ": []byte("a\xed\xa0\x80"),
	} {
		name = strings.TrimRight(name, ", ")
		if got, err := Text(in); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q, which is %s, is read as %q, %v", in, name, got, err)
		}
		if got, err := Line(in); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the line %q, which is %s, is read as %q, %v", in, name, got, err)
		}
	}
}

func TestLineFromOutside(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "token": "token", "token\n": "token", "\ufefftoken\r\n": "token", " token \r\nmore": "token", "token\rmore": "token", "\r\ntoken": "",
	} {
		if got, err := Line([]byte(in)); got != want || err != nil {
			t.Errorf("%q is read as %q, %v", in, got, err)
		}
	}
	r := strings.NewReader("one\r\n\ntwo")
	for _, want := range []string{"one", "", "two"} {
		if got, err := ReadLine(r, 100); got != want || err != nil {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	if _, err := ReadLine(r, 100); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if _, err := ReadLine(strings.NewReader("12345"), 4); err == nil {
		t.Error("a long line is read")
	}
	if _, err := ReadLine(bytes.NewReader(encode(binary.LittleEndian, "\ufefftoken\r\n")), 100); err == nil || !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("UTF-16: %v", err)
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("\ufeffsecret\r\nmore"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFirstLine(path); got != "secret" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := ReadFile(path); got != "secret\r\nmore" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if getenv := Getenv(func(string) string { return "\ufeffvalue \r\n" }); getenv("X") != "value " {
		t.Errorf("a variable is %q", getenv("X"))
	}
}

func TestFormOfFile(t *testing.T) {
	for in, want := range map[string]struct {
		text string
		form Form
	}{
		"":                 {"", Form{Break: "\n"}},
		"a\nb":             {"a\nb", Form{Break: "\n"}},
		"\ufeffa\r\nb\r\n": {"a\nb\n", Form{Mark: true, Break: "\r\n"}},
		"a\rb\r":           {"a\nb\n", Form{Break: "\r"}},
		"a\r\nb\nc\r\n":    {"a\nb\nc\n", Form{Break: "\r\n", Mixed: true}},
		"a\nb\r\nc\n\r\nd": {"a\nb\nc\n\nd", Form{Break: "\n", Mixed: true}},
		"\ufeff":           {"", Form{Mark: true, Break: "\n"}},
		"a\r\r\nb\r":       {"a\n\nb\n", Form{Break: "\r", Mixed: true}},
		"日本\r\n👩‍👩‍👧\r\n":  {"日本\n👩‍👩‍👧\n", Form{Break: "\r\n"}},
	} {
		text, form, err := Parse([]byte(in))
		if text != want.text || form != want.form || err != nil {
			t.Errorf("%q is %q, %+v, %v", in, text, form, err)
		}
		if out := form.Bytes(text); !form.Mixed && string(out) != in {
			t.Errorf("%q is written back as %q", in, out)
		}
		if again, _, _ := Parse(form.Bytes(text)); again != text {
			t.Errorf("%q is then read as %q", in, again)
		}
	}
	if got := (Form{}).Bytes("a\nb"); string(got) != "a\nb" {
		t.Errorf("a new file is %q", got)
	}
}
