package text

// Pull applies everything that arrived since the last Pull to the text.
func (s *Sync) Pull() News {
	s.woken = false
	s.takeLoaded()
	s.takeInbox()
	news := s.news
	s.news = News{}
	s.next()
	return news
}

// takeLoaded puts a loaded text on the screen. Unsaved edits of the old one are pushed
// separately, unless they were refused.
func (s *Sync) takeLoaded() {
	l := s.loaded
	if l == nil {
		return
	}
	if s.client != nil {
		r := s.client.Unsaved() // has no edits if everything is saved
		s.keep(r)
		switch {
		case len(r.Edits) == 0:
		case s.refused:
			s.news.Refused = append(s.news.Refused, Refusal{r, s.reload})
		default:
			s.restore = append(s.restore, r)
		}
	}
	s.client = NewClient(l.editor, l.version, l.text)
	s.loaded, s.reload, s.refused, s.past = nil, nil, false, nil
	s.news = News{Loaded: true, People: true, Status: true, Refused: s.news.Refused}
}

// takeInbox applies others' edits to the text, up to the first gap.
func (s *Sync) takeInbox() {
	if s.client == nil || s.reload != nil {
		return
	}
	saved := s.client.Saved()
	for {
		e := s.inbox[s.client.Version()+1]
		if e == nil {
			break
		}
		changes, err := s.client.Receive(*e)
		if err != nil { // the screen does not show what the document has
			s.mustReload(err, false)
			return
		}
		delete(s.inbox, e.Version)
		s.received(e, changes)
	}
	for version := range s.inbox {
		if version <= s.client.Version() {
			delete(s.inbox, version)
		}
	}
	if s.client.Saved() != saved {
		s.news.Status = true
		s.keepSoon()
	}
}

// received records an entry that is now in the text.
func (s *Sync) received(e *Entry, changes ChangeSet) {
	if !changes.Empty() {
		s.news.Changes = append(s.news.Changes, changes)
	}
	s.by = e.By
	if e.Editor == s.client.Editor() {
		s.by = ""
	}
	if s.past = append(s.past, e); len(s.past) > 2*keptPast {
		s.past = append([]*Entry(nil), s.past[keptPast:]...)
	}
	for i := range s.people {
		s.people[i].move(e)
	}
}

// mustReload requests that the text be read again.
//
//go:noinline
func (s *Sync) mustReload(why error, refused bool) {
	if s.reload != nil {
		return
	}
	s.reload, s.refused, s.subscribed, s.loaded, s.opening = why, refused, false, nil, nil
}
