package text

import (
	"errors"
	"time"
)

// Retention is how long an authority remembers edits and each editor's last number.
const Retention = 30 * 24 * time.Hour

// Errors of [Authority.Push]. None of the edits was applied, so the editor still has the
// text and can show it.
var (
	// ErrTooOld says that the push is based on a version so old that the authority no longer
	// knows the later edits, or whether these edits are among them.
	ErrTooOld = errors.New("the edit is based on a version that is too old")
	// ErrFuture says that the push is based on a version that does not exist yet.
	ErrFuture = errors.New("the edit is based on a version that does not exist yet")
	// ErrTooLong says that an edit inserts more than MaxEdit, or that the text would
	// become longer than MaxLength.
	ErrTooLong = errors.New("the edit inserts too much")
	// ErrNumbers says that the edits of a push are not from one editor, or not in order.
	ErrNumbers = errors.New("the edits of a push must be from one editor, numbered in order")
	// ErrBehind says that mapping so many edits over all later ones would take too long.
	// Fetch the later edits, rebase these, and push them again.
	ErrBehind = errors.New("too many edits for a version so far back: fetch what was made since and rebase them")
)

// Entry is an edit as the authority applied it: mapped, with the version that it made.
type Entry struct {
	Edit
	Version int
	At      time.Time
	By      string // the displayed author; the authority ignores it
}

// Log is the history of a document, which its authority reads. See [MemoryLog].
type Log interface {
	// Entry returns the edit that made a version, and false if it is no longer kept.
	Entry(version int) (Entry, bool, error)
	// Last returns the number of the editor's last edit and the version that it made;
	// zeros if none is known.
	Last(editor string) (number, version int, err error)
}

// Authority decides the order of edits. It holds the current text and does no I/O. The zero
// value is an empty document at version 0. Not safe for concurrent use.
type Authority struct {
	version int
	text    Text
}

// NewAuthority returns the authority of a document at a version. It takes over t.
func NewAuthority(version int, t *Text) *Authority {
	return &Authority{version: version, text: *t}
}

// Version returns the number of edits that made the text.
func (a *Authority) Version() int { return a.version }

// Text returns the current text. Do not change it.
func (a *Authority) Text() *Text { return &a.text }

// Pushed is the result of a push.
type Pushed struct {
	Versions []int   // the version that each edit made, now or when it was first pushed
	New      []Entry // the new edits, as the authority applied them

	after *Text // the text after New; nil if it was not computed
}

// Push maps edits of one editor, based on a version, over all later edits and leaves out
// those that were applied already. It changes nothing: store Pushed.New, then call
// [Authority.Commit]. Errors are those of Log, [ErrTooOld], [ErrFuture], [ErrTooLong],
// [ErrNumbers], [ErrBehind], [ErrLength] and [ErrSplit].
func (a *Authority) Push(log Log, base int, edits []Edit, now time.Time) (Pushed, error) {
	if err := a.admit(log, base, edits, now); err != nil {
		return Pushed{}, err
	}
	r := rebase{left: edits}
	for version := base + 1; version <= a.version && len(r.left) > 0; version++ {
		e, found, err := log.Entry(version)
		switch {
		case err != nil:
			return Pushed{}, err
		case !found:
			return Pushed{}, ErrTooOld
		}
		if !r.affords(e) {
			return Pushed{}, ErrBehind
		}
		if err := r.over(e); err != nil {
			return Pushed{}, err
		}
	}
	if err := r.dropKnown(log); err != nil {
		return Pushed{}, err
	}
	return a.append(r, now)
}

// admit checks everything that does not depend on later edits.
func (a *Authority) admit(log Log, base int, edits []Edit, now time.Time) error {
	if base < 0 || base > a.version {
		return ErrFuture
	}
	for i, e := range edits {
		if e.Editor == "" || e.Number < 1 || i > 0 && (e.Editor != edits[0].Editor || e.Number <= edits[i-1].Number) {
			return ErrNumbers
		}
		if e.Changes.size() > MaxEdit {
			return ErrTooLong
		}
	}
	if base == a.version {
		return nil
	}
	// If one of these edits had been applied and forgotten, the version after base would
	// be older than Retention.
	e, found, err := log.Entry(base + 1)
	if err == nil && (!found || now.Sub(e.At) > Retention) {
		return ErrTooOld
	}
	return err
}

// rebase maps the edits of a push to newer versions.
type rebase struct {
	left     []Edit // not applied yet
	versions []int
	work     int // done so far, in sections of change sets
}

// maxWork limits one push to some tenths of a second. It is enough for one edit that is
// 50,000 versions old.
const maxWork = 1 << 19

// affords adds the work of mapping the edits over an entry, and reports whether the total
// is within the limit.
func (r *rebase) affords(e Entry) bool {
	r.work += len(r.left) * len(e.Changes.sections)
	for _, edit := range r.left {
		r.work += len(edit.Changes.sections)
	}
	return r.work <= maxWork
}

// over maps the edits over an entry, or drops the first one if it is that entry.
func (r *rebase) over(e Entry) (err error) {
	if e.Editor == r.left[0].Editor && e.Number == r.left[0].Number {
		r.versions = append(r.versions, e.Version)
	}
	r.left, err = Rebase(r.left, e)
	return err
}

// Rebase maps edits of one editor, each of which applies to the result of the previous
// one, over an entry that applies to the same text as the first. If the entry is that
// first edit, Rebase returns the others unchanged. The error is [ErrLength].
func Rebase(edits []Edit, over Entry) ([]Edit, error) {
	if len(edits) > 0 && over.Editor == edits[0].Editor && over.Number == edits[0].Number {
		return edits[1:], nil
	}
	made := over.Changes
	moved := make([]Edit, len(edits))
	for i, e := range edits {
		mine, err := e.Changes.Map(made, false)
		if err != nil {
			return nil, err
		}
		if i < len(edits)-1 {
			if made, err = made.Map(e.Changes, true); err != nil {
				return nil, err
			}
		}
		moved[i] = Edit{e.Editor, e.Number, mine}
	}
	return moved, nil
}

// Batch returns how many of the edits fit in one push, and so in a frame.
func Batch(edits []Edit) int {
	size := 0
	for i, e := range edits {
		size += e.Changes.size()
		if i == maxPushEdits || size > maxPush && i > 0 {
			return i
		}
	}
	return len(edits)
}

// Limits of one push: inserted bytes, and edits.
const (
	maxPush      = 256 << 10
	maxPushEdits = 100
)

// dropKnown drops edits that were applied before the version that the push claims as its
// base.
func (r *rebase) dropKnown(log Log) error {
	if len(r.left) == 0 {
		return nil
	}
	number, version, err := log.Last(r.left[0].Editor)
	if err != nil {
		return err
	}
	for len(r.left) > 0 && r.left[0].Number <= number {
		made := version
		for e := (Entry{Version: version}); e.Version > 0; {
			var found bool
			if e, found, err = log.Entry(made); err != nil {
				return err
			}
			if r.work += 1 + len(e.Changes.sections); r.work > maxWork {
				return ErrBehind
			}
			if !found || e.Editor == r.left[0].Editor && e.Number <= r.left[0].Number {
				break
			}
			made--
		}
		r.versions = append(r.versions, made)
		r.left = r.left[1:]
	}
	return nil
}

// append tries the remaining edits on the current text.
func (a *Authority) append(r rebase, now time.Time) (Pushed, error) {
	p := Pushed{Versions: r.versions}
	if len(r.left) == 0 {
		return p, nil
	}
	after := &a.text
	if len(r.left) > 1 {
		after = a.text.Clone() // the second edit can only be checked against the result of the first
	}
	for i, e := range r.left {
		if err := after.check(e.Changes); err != nil {
			return Pushed{}, err
		}
		if e.Changes.NewLength() > MaxLength {
			return Pushed{}, ErrTooLong
		}
		if len(r.left) > 1 {
			after.apply(e.Changes)
		}
		version := a.version + i + 1
		p.Versions = append(p.Versions, version)
		p.New = append(p.New, Entry{Edit: e, Version: version, At: now})
	}
	if len(r.left) > 1 {
		p.after = after
	}
	return p, nil
}

// Commit applies the result of [Authority.Push] to the current text. There must be no
// other Commit in between.
func (a *Authority) Commit(p Pushed) {
	if len(p.New) == 0 {
		return
	}
	a.version = p.New[len(p.New)-1].Version
	if p.after != nil {
		a.text = *p.after
		return
	}
	for _, e := range p.New {
		a.text.apply(e.Changes)
	}
}

// MemoryLog is a [Log] in memory that keeps everything. The zero value is the log of a new
// document.
type MemoryLog struct {
	entries []Entry
	last    map[string]Entry
}

// Add appends entries, which must follow the last one.
func (l *MemoryLog) Add(entries ...Entry) {
	if l.last == nil {
		l.last = make(map[string]Entry)
	}
	for _, e := range entries {
		l.last[e.Editor] = e
	}
	l.entries = append(l.entries, entries...)
}

// Entry implements [Log].
func (l *MemoryLog) Entry(version int) (Entry, bool, error) {
	if version < 1 || version > len(l.entries) {
		return Entry{}, false, nil
	}
	return l.entries[version-1], true, nil
}

// Last implements [Log].
func (l *MemoryLog) Last(editor string) (number, version int, err error) {
	e := l.last[editor]
	return e.Number, e.Version, nil
}
