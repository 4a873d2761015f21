package tui

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"github.com/lumenize/lmz/internal/printable"
)

// maxMatches is the most places that a search finds.
const maxMatches = 10000

// search is the search bar. The zero value is a closed one.
type search struct {
	open    bool
	query   string
	text    string  // the searched text
	asked   string  // the searched query
	matches [][]int // from and to of each place
	from    int     // the cursor's position when the search began
}

// look finds the query in a text, ignoring case unless the query has a capital letter.
func (s *search) look(text string) {
	if s.asked == s.query && s.text == text {
		return
	}
	s.text, s.asked, s.matches = text, s.query, nil
	if s.query == "" {
		return
	}
	expression := regexp.QuoteMeta(s.query)
	if !strings.ContainsFunc(s.query, unicode.IsUpper) {
		expression = "(?i)" + expression
	}
	s.matches = regexp.MustCompile(expression).FindAllStringIndex(text, maxMatches)
}

// next returns the first match at or after a place, or else the first of all. Its number
// counts from 1; 0 means that there is none.
func (s *search) next(at int) (from, to, number int) {
	for i, m := range s.matches {
		if m[0] >= at {
			return m[0], m[1], i + 1
		}
	}
	if len(s.matches) > 0 {
		return s.matches[0][0], s.matches[0][1], 1
	}
	return 0, 0, 0
}

// previous returns the last match before a place, or else the last of all.
func (s *search) previous(at int) (from, to, number int) {
	for i := len(s.matches) - 1; i >= 0; i-- {
		if m := s.matches[i]; m[0] < at {
			return m[0], m[1], i + 1
		}
	}
	if n := len(s.matches); n > 0 {
		return s.matches[n-1][0], s.matches[n-1][1], n
	}
	return 0, 0, 0
}

// marks returns the matches between two places, for the screen.
func (s *search) marks(from, to int) []mark {
	if !s.open {
		return nil
	}
	var marks []mark
	for _, m := range s.matches {
		if m[1] > from && m[0] < to {
			marks = append(marks, mark{m[0], m[1], look{found: true}})
		}
	}
	return marks
}

func (m *model) openSearch() {
	m.search = search{open: true, query: m.search.query, from: m.area.cursor}
	if word := m.area.selected(); word != "" && !strings.Contains(word, "\n") {
		m.search.query = word
	}
	m.search.look(m.area.text)
}

// find handles a key while the search bar is open.
func (m *model) find(name, text string) {
	s := &m.search
	from, to := m.area.selection()
	switch name {
	case "esc":
		s.open = false
		return
	case "enter", "down", "ctrl+n", "ctrl+f":
		m.show(s.next(max(to, from+1)))
		return
	case "shift+enter", "up", "ctrl+p":
		m.show(s.previous(from))
		return
	case "backspace", "ctrl+h":
		n := 0
		if s.query != "" {
			n = lastCluster(s.query)
		}
		s.query = s.query[:n]
	case "ctrl+w", "alt+backspace":
		s.query = ""
	default:
		s.query += strings.ToValidUTF8(text, "")
	}
	s.look(m.area.text)
	m.show(s.next(s.from))
}

// show selects a match.
func (m *model) show(from, to, number int) {
	if number > 0 {
		m.area.selectRange(from, to)
	}
}

// bar returns the text of the search bar.
func (s *search) bar(selectedFrom int) (text, hint string) {
	text = " find: " + printable.Line(s.query) + "▏"
	switch n := len(s.matches); {
	case s.query == "":
		hint = "Esc closes "
	case n == 0:
		hint = "not found "
	case n == maxMatches:
		hint = fmt.Sprintf("%d or more ", n)
	default:
		hint = fmt.Sprintf("%d of %d ", s.number(selectedFrom), n)
	}
	return text, hint
}

// number returns the number, from 1, of the match that begins at a place, or 0.
func (s *search) number(at int) int {
	for i, m := range s.matches {
		if m[0] == at {
			return i + 1
		}
	}
	return 0
}

// lastCluster returns where the last character of s starts.
func lastCluster(s string) int {
	at := 0
	for at < len(s) {
		n, _ := cluster(s[at:], 0, ansi.GraphemeWidth)
		if at+n == len(s) {
			return at
		}
		at += n
	}
	return at
}
