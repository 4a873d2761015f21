package text

// Map returns c for a text that over has already changed. Both must apply to the same text,
// otherwise it returns [ErrLength]. Where both insert at one position, c's text comes after
// over's unless before is true. So for all a and b
//
//	a.Compose(b.Map(a, false))  and  b.Compose(a.Map(b, true))
//
// make the same text.
func (c ChangeSet) Map(over ChangeSet, before bool) (ChangeSet, error) {
	if c.Length() != over.Length() {
		return ChangeSet{}, ErrLength
	}
	m := mapping{a: readOld(c), b: readOld(over), before: before, written: -1}
	for !m.a.done() || !m.b.done() {
		switch {
		case m.a.keeps() && m.b.keeps():
			n := min(m.a.rest, m.b.rest)
			m.out.add(n, kept, "")
			m.a.skip(n)
			m.b.skip(n)
		case m.b.replaces() && m.overFirst():
			m.stepOver()
		default:
			m.stepOwn()
		}
	}
	return m.out.changes(), nil
}

// mapping is the state of Map.
type mapping struct {
	a, b    *reader
	before  bool
	written int // the section of a whose text is already in out
	out     builder
}

// overFirst reports whether b's replacement comes before a's: ordered by where they begin,
// then by length, then by before.
func (m *mapping) overFirst() bool {
	a, b := m.a, m.b
	if !a.replaces() || m.written == a.i {
		return true
	}
	return a.off == 0 && (b.rest < a.rest || b.rest == a.rest && !m.before)
}

// stepOver passes a replacement of b, whose text is kept. Text that a inserts within it
// comes after; text that a deletes there is already gone.
func (m *mapping) stepOver() {
	left := m.b.section().n
	m.out.add(m.b.section().ins, kept, "")
	for left > 0 {
		n := min(m.a.rest, left)
		if m.a.replaces() && m.written < m.a.i && m.a.rest <= n {
			m.insert(0)
		}
		m.a.skip(n)
		left -= n
	}
	m.b.next()
}

// stepOwn writes the replacement of a, up to the next place within it where b inserts
// text, which is kept.
func (m *mapping) stepOwn() {
	deleted, left := 0, m.a.rest
	for left > 0 && (m.b.keeps() || m.b.section().ins == 0 && m.b.rest < left) {
		n := min(left, m.b.rest)
		if m.b.keeps() {
			deleted += n
		}
		left -= n
		m.b.skip(n)
	}
	if m.written < m.a.i {
		m.insert(deleted)
	} else {
		m.out.add(deleted, 0, "")
	}
	m.a.skip(m.a.rest - left)
}

// insert writes the text of a's section in place of n units.
func (m *mapping) insert(n int) {
	s := m.a.section()
	m.out.add(n, s.ins, s.text)
	m.written = m.a.i
}
