package debug

import "strings"

// Level is how important an entry is. The values are those of log/slog.
type Level int

// The levels.
const (
	Debug Level = -4
	Info  Level = 0
	Warn  Level = 4
	Error Level = 8
)

// String returns the level's name, in the spelling of a filter.
func (l Level) String() string {
	switch {
	case l < Info:
		return "debug"
	case l < Warn:
		return "info"
	case l < Error:
		return "warn"
	}
	return "error"
}

// Filter decides which entries are written. The zero value passes only errors. It is immutable.
type Filter struct {
	include, exclude []rule
}

type rule struct {
	name   string
	prefix bool // every name that begins so
	tree   bool // the name and what is below it, behind a dot
	level  Level
}

// ParseFilter reads a filter such as "lmz.gateway.*:info, -lmz.gateway.call". Its parts are
// separated by commas or white space. Each selects a namespace with those below it ("lmz.gateway"
// or "lmz.gateway.*"), those with a prefix ("lmz.gate*"), or all ("*"), and after a colon the
// lowest level: debug, info, warn or error; any other word means all levels. A part with a leading
// minus excludes, and exclusions take precedence. Every text is a valid filter.
func ParseFilter(text string) Filter {
	var f Filter
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' }) {
		part, minus := strings.CutPrefix(part, "-")
		switch r := parseRule(part); {
		case part == "":
		case minus:
			f.exclude = append(f.exclude, r)
		default:
			f.include = append(f.include, r)
		}
	}
	return f
}

func parseRule(part string) rule {
	r := rule{name: part, level: Debug}
	if i := strings.LastIndexByte(part, ':'); i > 0 {
		r.name = part[:i]
		for _, level := range []Level{Debug, Info, Warn, Error} {
			if part[i+1:] == level.String() {
				r.level = level
			}
		}
	}
	switch name, star := strings.CutSuffix(r.name, "*"); {
	case !star:
		r.tree = true
	case strings.HasSuffix(name, "."):
		r.name, r.tree = strings.TrimSuffix(name, "."), true
	default:
		r.name, r.prefix = name, true
	}
	return r
}

// Allows reports whether an entry is written. Errors always are.
func (f Filter) Allows(namespace string, level Level) bool {
	return level >= Error || matches(f.include, namespace, level) && !matches(f.exclude, namespace, level)
}

func matches(rules []rule, namespace string, level Level) bool {
	for _, r := range rules {
		rest, ok := strings.CutPrefix(namespace, r.name)
		if ok && level >= r.level && (r.prefix || rest == "" || r.tree && rest[0] == '.') {
			return true
		}
	}
	return false
}
