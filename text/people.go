package text

// Cursor is the position of a client's cursor and selection in the text at a version.
type Cursor struct {
	ClientID string `json:"clientID"` // the editor, as in its edits
	Version  int
	Anchor   int // where the selection began; Head if nothing is selected
	Head     int // where the cursor is
}

// Person is somebody who has the document open.
type Person struct {
	ClientID string `json:"clientID"`
	Name     string
	Color    int // a small number, different for each person
	Version  int // of the positions
	Anchor   int
	Head     int
	Gone     bool `json:"gone,omitempty"`
	// Moment is the number of the newest subscription when the document sent this. Later
	// subscribers have it from their own opening.
	Moment int
}

// After returns the person after more edits: the cursor moves behind what the person
// typed, and stays before what others typed.
func (p Person) After(entries []Entry) Person {
	for i := range entries {
		p.move(&entries[i])
	}
	return p
}

//go:noinline
func (p *Person) move(e *Entry) {
	if e.Version <= p.Version {
		return
	}
	side := -1
	if e.Editor == p.ClientID {
		side = 1
	}
	p.Anchor, p.Head = e.Changes.MapPos(p.Anchor, side), e.Changes.MapPos(p.Head, side)
	p.Version = e.Version
}

// SetCursor tells the others where this user's cursor is: the selection goes from anchor to
// head, both on the screen.
func (s *Sync) SetCursor(anchor, head int) {
	if s.cursor != nil && s.cursor.Anchor == anchor && s.cursor.Head == head {
		return
	}
	s.cursor = &Cursor{Anchor: anchor, Head: head}
	s.sayCursor = true
	s.next()
}

// tellCursor tells the document where the cursor is, at most ten times a second.
func (s *Sync) tellCursor() {
	if !s.sayCursor || s.paused || s.client == nil || s.reload != nil {
		return
	}
	s.sayCursor, s.paused = false, true
	s.do(Present{Cursor{
		ClientID: s.client.Editor(), Version: s.client.Version(),
		Anchor: s.client.Confirmed(s.cursor.Anchor), Head: s.client.Confirmed(s.cursor.Head),
	}})
	s.do(Wait{CursorTimer, cursorPause})
}

// welcome takes the people of an opening. Newer reports of them may have arrived first.
func (s *Sync) welcome(o *Opening) {
	if o.Moment < s.moment {
		return // the answer to a later subscription came first
	}
	heard := s.people
	s.people, s.moment = nil, o.Moment
	for i := range o.People {
		s.setPerson(&o.People[i])
	}
	for i := range heard {
		if heard[i].Moment >= o.Moment {
			s.setPerson(&heard[i])
		}
	}
	s.news.People = true
}

// Met receives what the document sent about a person.
func (s *Sync) Met(p Person) {
	if p.Moment < s.moment {
		return // the opening has it
	}
	for i := range s.people {
		other := &s.people[i]
		if !p.Gone && other.Color == p.Color && other.ClientID != p.ClientID { // the client's next editor
			other.Gone, other.Moment = true, p.Moment // even if an older opening says otherwise
		}
	}
	s.setPerson(&p)
	s.forgetGone()
	s.news.People = true
	s.wake()
}

// setPerson adds or replaces a person, with positions at the version on the screen.
//
//go:noinline
func (s *Sync) setPerson(p *Person) {
	for _, e := range s.past {
		p.move(e)
	}
	for i := range s.people {
		if s.people[i].ClientID == p.ClientID {
			s.people[i] = *p
			return
		}
	}
	s.people = append(s.people, *p)
}

// forgetGone removes people who left, unless a pending answer may be older than that.
//
//go:noinline
func (s *Sync) forgetGone() {
	if s.asking > 0 {
		return
	}
	n := 0
	for i := range s.people {
		if !s.people[i].Gone {
			s.people[n] = s.people[i]
			n++
		}
	}
	s.people = s.people[:n]
}

// People returns everyone else who has the document open, sorted by color, with cursor
// positions on the screen.
func (s *Sync) People() []Person {
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
		i := len(all)
		all = append(all, p)
		for ; i > 0 && all[i-1].Color > p.Color; i-- {
			all[i] = all[i-1]
		}
		all[i] = p
	}
	return all
}

// OnScreen maps a position in the text at a version to the screen. It returns false if that
// version is too old to be remembered, or not on the screen yet. For side see
// [ChangeSet.MapPos].
func (s *Sync) OnScreen(pos, version, side int) (int, bool) {
	if s.client == nil {
		return 0, false
	}
	behind := s.client.Version() - version
	if behind < 0 || behind > len(s.past) {
		return 0, false
	}
	for _, e := range s.past[len(s.past)-behind:] {
		if pos > e.Changes.Length() {
			return 0, false
		}
		pos = e.Changes.MapPos(pos, side)
	}
	return s.client.OnScreen(pos, side), true
}
