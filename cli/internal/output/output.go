// Package output prints results: lists as tables or JSON lines, other results as JSON, and
// text from elsewhere without anything that a terminal would obey.
package output

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/printable"
)

// JSON writes v as JSON on one line, without anything that a terminal may obey.
func JSON(w io.Writer, v any) error {
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(printable.JSON(line.Bytes()))
	return err
}

// Line makes text that may come from elsewhere fit on one line of a terminal: it can neither
// begin another line nor send commands to the terminal.
func Line(text string) string { return printable.Line(strings.TrimSpace(text)) }

// Shorten keeps a name from filling the screen.
func Shorten(name string) string {
	const enough = 80 // runes
	runes := []rune(name)
	if len(runes) <= enough {
		return name
	}
	return string(runes[:enough-1]) + "…"
}

// Time is a local time to the second; nil is the text none.
func Time(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return t.Local().Format("2006-01-02 15:04:05 MST")
}

// Minute is a time in Unix milliseconds, as a local time to the minute; 0 is never.
func Minute(ms int64) string {
	if ms == 0 {
		return "never"
	}
	return time.UnixMilli(ms).Local().Format("2006-01-02 15:04")
}

// MinuteIf is [Minute]; nil is never.
func MinuteIf(ms *int64) string {
	if ms == nil {
		return "never"
	}
	return Minute(*ms)
}

// Yes is yes or no.
func Yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
