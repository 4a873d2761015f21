package editor

import (
	"maps"
	"slices"

	"github.com/lumenize/lmz/text"
)

// welcome takes who is there when the document was opened. News of people may have been
// heard before the answer that it followed. s.mu is held.
func (s *Session) welcome(o Opening) {
	if o.Moment < s.moment {
		return // the answer to a later call came first
	}
	people := make(map[string]Person)
	for _, p := range o.People {
		people[p.ClientID] = p.after(s.recent)
	}
	for id, p := range s.people {
		if p.Moment >= o.Moment {
			people[id] = p
		}
	}
	s.people, s.moment = people, o.Moment
	s.news.People = true
}

// meet takes news of somebody.
func (s *Session) meet(p Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Moment < s.moment {
		return // the opening knew it
	}
	for id, other := range s.people {
		if !p.Gone && other.Color == p.Color && id != p.ClientID { // the same client with another editor
			other.Gone, other.Moment = true, p.Moment // and it stays so for an opening that is older
			s.people[id] = other
		}
	}
	s.people[p.ClientID] = p.after(s.recent)
	s.forgetGone()
	s.news.People = true
	s.wake()
}

// forgetGone forgets who is gone, unless an answer is under way that may not know it yet.
// s.mu is held.
func (s *Session) forgetGone() {
	if s.asking == 0 {
		maps.DeleteFunc(s.people, func(_ string, p Person) bool { return p.Gone })
	}
}

// People returns who else has the document open, with their cursors as on the screen.
func (s *Session) People() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Person, 0, len(s.people))
	for _, p := range s.people {
		if p.Gone {
			continue
		}
		if s.client != nil {
			n := s.client.Text().Len()
			p.Anchor = min(max(0, s.client.OnScreen(p.Anchor, -1)), n)
			p.Head = min(max(0, s.client.OnScreen(p.Head, -1)), n)
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Person) int { return a.Color - b.Color })
	return all
}

// after returns the person as it is when some more edits are made.
func (p Person) after(entries []text.Entry) Person {
	for _, e := range entries {
		if e.Version <= p.Version {
			continue
		}
		side := -1
		if e.Editor == p.ClientID {
			side = 1
		}
		p.Anchor, p.Head = e.Changes.MapPos(p.Anchor, side), e.Changes.MapPos(p.Head, side)
		p.Version = e.Version
	}
	return p
}

// hearSpelling takes what the spell checker says about parts of the text.
func (s *Session) hearSpelling(found Spelling) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil || found.Version > s.client.Version() {
		s.early = append(s.early, found) // that text is not on the screen yet
	} else {
		s.takeSpelling(found)
	}
	s.wake()
}

// takeEarly takes the findings whose text is on the screen now. s.mu is held.
func (s *Session) takeEarly() {
	early := s.early
	s.early = nil
	for _, found := range early {
		if found.Version > s.client.Version() {
			s.early = append(s.early, found)
		} else {
			s.takeSpelling(found)
		}
	}
}

// takeSpelling puts findings in the place of the old ones. s.mu is held.
func (s *Session) takeSpelling(found Spelling) {
	first := s.client.Version() + 1
	if len(s.recent) > 0 {
		first = s.recent[0].Version
	}
	if found.Version < first-1 {
		return // nobody knows any more where that was; what is typed next is checked again
	}
	place := func(r Range) Range {
		for _, e := range s.recent {
			if e.Version > found.Version {
				r = Range{e.Changes.MapPos(r.From, 1), e.Changes.MapPos(r.To, -1)}
			}
		}
		return Range{s.client.OnScreen(r.From, 1), s.client.OnScreen(r.To, -1)}
	}
	for _, r := range found.Checked {
		r = place(r)
		s.findings = slices.DeleteFunc(s.findings, func(m Misspelling) bool { return m.From >= r.From && m.To <= r.To })
	}
	for _, m := range found.Found {
		r := place(Range{m.From, m.To})
		m.From, m.To = r.From, r.To
		s.findings = append(s.findings, m)
	}
	slices.SortFunc(s.findings, func(a, b Misspelling) int { return a.From - b.From })
	s.news.Spelling = true
}

// moveFindings moves the findings along with a change on the screen. s.mu is held.
func (s *Session) moveFindings(changes text.ChangeSet) {
	if len(s.findings) == 0 {
		return
	}
	for i := range s.findings {
		m := &s.findings[i]
		m.From, m.To = changes.MapPos(m.From, 1), changes.MapPos(m.To, -1)
	}
	s.news.Spelling = true
}

// Findings returns the words that seem to be misspelled, in order, as on the screen. It
// is called from the goroutine of the screen.
func (s *Session) Findings() []Misspelling {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return nil
	}
	t := s.client.Text()
	s.findings = slices.DeleteFunc(s.findings, func(m Misspelling) bool { return t.Slice(m.From, m.To) != m.Word })
	return slices.Clone(s.findings)
}
