// Package output prints results: lists as tables or lines of JSON, other results as JSON, and
// foreign text without characters that a terminal would obey.
package output

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/printable"
)

// JSON writes v as JSON on one line, without characters that a terminal would obey.
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

// Line makes foreign text safe for one line of a terminal: it can neither begin another line
// nor command the terminal.
func Line(text string) string { return printable.Line(strings.TrimSpace(text)) }

// Shorten truncates a name that would fill the screen.
func Shorten(name string) string {
	const enough = 80 // runes
	runes := []rune(name)
	if len(runes) <= enough {
		return name
	}
	return string(runes[:enough-1]) + "…"
}

// Time formats a local time to the second. For nil it returns none.
func Time(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return t.Local().Format("2006-01-02 15:04:05 MST")
}

// Minute formats Unix milliseconds as a local time to the minute. 0 is "never".
func Minute(ms int64) string {
	if ms == 0 {
		return "never"
	}
	return time.UnixMilli(ms).Local().Format("2006-01-02 15:04")
}

// MinuteIf is [Minute], and "never" for nil.
func MinuteIf(ms *int64) string {
	if ms == nil {
		return "never"
	}
	return Minute(*ms)
}

// Yes returns "yes" or "no".
func Yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
