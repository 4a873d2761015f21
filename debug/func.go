package debug

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/lumenize/lmz/internal/printable"
)

// Namespace is the key for the namespace of a logger.
const Namespace = "namespace"

// timeFormat is the format of JavaScript's toISOString.
const timeFormat = "2006-01-02T15:04:05.000Z"

// Func returns a function that passes to write each entry of one namespace that the filter allows,
// as one line without its end. Its args are alternating keys and values, as those of slog.Debug;
// values are strings, ints, booleans, errors, or have a method String. The level is [Debug]. It
// fits client.Options.Log, and calls write on the goroutine that logs.
func Func(namespace string, f Filter, write func(line string)) func(message string, args ...any) {
	if !f.Allows(namespace, Debug) {
		return func(string, ...any) {}
	}
	return func(message string, args ...any) {
		var b strings.Builder
		b.WriteString(`{"timestamp":` + quoted(time.Now().UTC().Format(timeFormat)) + `,"level":"debug","message":` +
			quoted(loggable(message)) + `,"type":"debug","namespace":` + quoted(namespace))
		before := `,"data":{`
		for i := 0; i+1 < len(args); i += 2 {
			key, value := plain(args[i]), loggable(plain(args[i+1]))
			if isSecret(key) {
				value = redacted
			}
			b.WriteString(before + quoted(key) + ":" + quoted(value))
			before = ","
		}
		if before == "," {
			b.WriteByte('}')
		}
		b.WriteByte('}')
		write(b.String())
	}
}

// plain returns the text of a value without package fmt, which browsers would load for this alone.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case error:
		return v.Error()
	case interface{ String() string }:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	}
	return "(a value of another type)"
}

// maxValue bounds one value in the log, in bytes: a stack trace is the longest that anybody wants
// to read.
const maxValue = 16 << 10

// loggable returns the form of a text that is logged: without secrets, at most maxValue long.
func loggable(text string) string { return printable.Cut(withoutSecrets(text), maxValue) }

// quoted writes a text as JSON in ASCII. Package printable would keep more of it readable, with
// tables of characters that browsers would load for this alone.
func quoted(s string) string {
	const hex = "0123456789abcdef"
	b := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= ' ' && r < 0x7f:
			b = append(b, byte(r))
		default: // RuneError where s is no UTF-8
			for _, unit := range utf16.AppendRune(nil, r) {
				b = append(b, '\\', 'u', hex[unit>>12], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
			}
		}
	}
	return string(append(b, '"'))
}
