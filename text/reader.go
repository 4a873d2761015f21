package text

// reader walks through the sections of a change set in steps of any length. Inlining its
// methods would make the browser's module larger.
type reader struct {
	sections []section
	i        int // the current one
	rest     int // its remaining units: of the old text, or of the new text in readNew
	off      int // how many of its units are done
	byNew    bool
}

// readOld counts units of the old text, readNew units of the new one.
func readOld(c ChangeSet) *reader { return newReader(c, false) }
func readNew(c ChangeSet) *reader { return newReader(c, true) }

//go:noinline
func newReader(c ChangeSet, byNew bool) *reader {
	r := &reader{sections: c.sections, byNew: byNew}
	r.enter()
	return r
}

func (r *reader) enter() {
	r.off, r.rest = 0, 0
	if r.done() {
		return
	}
	s := r.sections[r.i]
	r.rest = s.n
	if r.byNew && s.ins != kept {
		r.rest = s.ins
	}
}

func (r *reader) done() bool { return r.i == len(r.sections) }

//go:noinline
func (r *reader) keeps() bool { return !r.done() && r.sections[r.i].ins == kept }

//go:noinline
func (r *reader) replaces() bool { return !r.done() && r.sections[r.i].ins != kept }

func (r *reader) section() section { return r.sections[r.i] }

//go:noinline
func (r *reader) next() {
	r.i++
	r.enter()
}

// skip moves n units forward.
//
//go:noinline
func (r *reader) skip(n int) {
	if n == r.rest {
		r.next()
		return
	}
	r.rest -= n
	r.off += n
}

// part returns the next n units that the section inserts, in units of the new text.
func (r *reader) part(n int) (string, bool) {
	s := r.section()
	if r.off == 0 && n == s.ins {
		return s.text, true
	}
	a, ok := offset(s.text, s.ins, r.off)
	b, ok2 := offset(s.text, s.ins, r.off+n)
	return s.text[a:b], ok && ok2
}
