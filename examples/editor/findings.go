package editor

import (
	"slices"

	"github.com/lumenize/lmz/text"
)

// spelling holds the misspelled words in the text on the screen.
type spelling struct {
	findings []Misspelling // with positions on the screen, in order
	early    []Spelling    // for versions not on the screen yet
	news     bool          // findings changed since the last Pull
}

// hearSpelling receives the spell checker's findings in parts of the text.
func (d *OpenDocument) hearSpelling(found Spelling) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spelling.hear(d.sync, &found)
	d.wake()
}

// hear takes findings, and earlier ones whose version is on the screen now. found may be nil.
func (s *spelling) hear(doc *text.Sync, found *Spelling) {
	early := s.early
	if s.early = nil; found != nil {
		early = append(early, *found)
	}
	for _, found := range early {
		if doc.Client() == nil || found.Version > doc.Client().Version() {
			s.early = append(s.early, found)
		} else {
			s.take(doc, found)
		}
	}
}

// take replaces old findings by new ones. It drops findings for a version that is no longer
// remembered: what is typed next is checked again.
func (s *spelling) take(doc *text.Sync, found Spelling) {
	place := func(r Range) (Range, bool) {
		from, ok := doc.OnScreen(r.From, found.Version, 1)
		to, ok2 := doc.OnScreen(r.To, found.Version, -1)
		return Range{from, to}, ok && ok2
	}
	for _, r := range found.Checked {
		if r, ok := place(r); ok {
			s.findings = slices.DeleteFunc(s.findings, func(m Misspelling) bool { return m.From >= r.From && m.To <= r.To })
		}
	}
	for _, m := range found.Found {
		if r, ok := place(Range{m.From, m.To}); ok {
			m.From, m.To = r.From, r.To
			s.findings = append(s.findings, m)
		}
	}
	slices.SortFunc(s.findings, func(a, b Misspelling) int { return a.From - b.From })
	s.news = true
}

// move adjusts the findings to a change on the screen.
func (s *spelling) move(changes text.ChangeSet) {
	for i := range s.findings {
		m := &s.findings[i]
		m.From, m.To = changes.MapPos(m.From, 1), changes.MapPos(m.To, -1)
		s.news = true
	}
}

// Findings returns the words that seem to be misspelled, in order, with positions on the
// screen. Call it from the screen's goroutine.
func (d *OpenDocument) Findings() []Misspelling {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.sync.Ready() {
		return nil
	}
	t := d.sync.Client().Text()
	d.spelling.findings = slices.DeleteFunc(d.spelling.findings, func(m Misspelling) bool { return t.Slice(m.From, m.To) != m.Word })
	return slices.Clone(d.spelling.findings)
}
