package text

import "strings"

// Breaks returns s with every line break as "\n", the only one in shared texts. Files,
// clipboards and other programs may use "\r\n" or "\r".
func Breaks(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// HasCR reports whether c inserts a "\r".
func (c ChangeSet) HasCR() bool {
	for _, s := range c.sections {
		if strings.Contains(s.text, "\r") {
			return true
		}
	}
	return false
}

// BreakChanges returns the change set that turns s into [Breaks] of s.
func BreakChanges(s string) ChangeSet {
	var out builder
	for s != "" {
		i := strings.IndexByte(s, '\r')
		if i < 0 {
			out.add(Units(s), kept, "")
			break
		}
		out.add(Units(s[:i]), kept, "")
		if s = s[i+1:]; strings.HasPrefix(s, "\n") {
			out.add(1, 0, "")
		} else {
			out.add(1, 1, "\n")
		}
	}
	return out.changes()
}
