package editor

import (
	"context"
	"slices"
	"sync"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// SessionOptions configures [Desk.Open].
type SessionOptions struct {
	// Document is the name of the document. Required.
	Document string

	// Wake is called when Pull has something to return. It may be called from any
	// goroutine, must not wait, and must not call the session.
	Wake func()

	// Journal keeps what the document may not have yet, so that it survives the death of
	// the process: it stores a record under its editor, in place of the one before, and
	// drops it when the record has no edits. It is called on a goroutine of its own, one
	// call at a time, within half a second after something was typed. A record that could
	// not be stored is given again. Nil keeps nothing.
	Journal func(Record) error

	// Restore is what the journal has from earlier openings of the document. It is
	// pushed first of all, and each edit is made once, also if it was made before.
	Restore []Record
}

// Record is what one opening of a document has typed and the document may not have.
type Record struct {
	Document string        `json:"document"`
	Editor   string        `json:"editor"` // random, of one opening
	Version  int           `json:"version"`
	Edits    []text.Update `json:"edits"` // based on Version
}

// Text returns what would be lost with the record, for people.
func (r Record) Text() string {
	edits, err := text.Edits(r.Edits)
	if err != nil {
		return ""
	}
	return text.Inserted(edits)
}

// Refusal is what a document refused for good. The journal keeps it until
// [Session.Discard]: show it to the user, who can copy the text.
type Refusal struct {
	Record Record
	Err    error
}

// News is what happened since the last Pull.
type News struct {
	// Loaded says that the text is there for the first time, or anew because its past is
	// not known any more: what was on the screen is void.
	Loaded bool
	// Changes is what others did to the text on the screen, in order, after Loaded.
	Changes  []text.ChangeSet
	People   bool // People returns something else
	Spelling bool // Findings returns something else
	Status   bool // Saved, Err or JournalErr returns something else
	Refused  []Refusal
}

// Session is a document that is open in an editor: the text on the screen, what is not
// saved, who else is here, and what is misspelled. It keeps the text up to date across
// cuts, reloads and crashes, and works without a connection once the text is there.
//
// The text changes only within Edit, Undo, Redo and Pull, so that an editor always knows
// what is on its screen: call those, and Text, from one goroutine, that of the screen.
// After each Wake call Pull. Everything else may be called from any goroutine.
type Session struct {
	desk    *Desk
	caller  lmz.Caller
	options SessionOptions
	signal  chan struct{} // has an element while there is something for the loop to do
	stop    context.CancelFunc
	done    chan struct{}

	mu         sync.Mutex // guards the following fields
	client     *text.Client
	subscribed bool
	opening    *Opening // what Subscribe said, while there is no text
	loaded     *loaded  // a text that Pull takes
	reload     error    // why the text has to be loaded anew; nil if not
	refused    bool     // the reload is because of edits that were refused
	inbox      map[int]text.Entry
	latest     int // the highest version that is known to exist
	recent     []text.Entry
	restore    []Record
	asking     int               // calls of Subscribe under way
	people     map[string]Person // by editor; while one asks, those who are gone too
	moment     int               // of the opening that people began with
	findings   []Misspelling
	early      []Spelling // of versions that are not on the screen yet
	cursor     *Cursor    // as on the screen; nil before SetCursor
	sayCursor  bool
	journal    journal
	unkept     error // why the journal does not have what it should
	news       News
	woken      bool
	err        error
}

// recentEntries is how many entries are kept in memory, by a document and by its editors.
const recentEntries = 256

// loaded is a text that was read.
type loaded struct {
	version int
	text    *text.Text
}

// Open opens a document. The text is there when Pull says Loaded, which needs a
// connection. A document can be open once at each desk. Close it.
func (d *Desk) Open(via lmz.Caller, o SessionOptions) (*Session, error) {
	s := &Session{
		desk: d, caller: via, options: o, signal: make(chan struct{}, 1), done: make(chan struct{}),
		inbox: make(map[int]text.Entry), people: make(map[string]Person), restore: slices.Clone(o.Restore),
		journal: journal{signal: make(chan struct{}, 1)},
	}
	d.mu.Lock()
	_, taken := d.open[o.Document]
	if !taken {
		d.open[o.Document] = s
	}
	d.mu.Unlock()
	if taken {
		return nil, lmz.Errorf("document %q is open already", o.Document)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go s.run(ctx)
	return s, nil
}

// Close stores in the journal what is not saved, unsubscribes if ctx allows it, and
// ends the session.
func (s *Session) Close(ctx context.Context) error {
	s.stop()
	<-s.done
	s.desk.forget(s.options.Document)
	err := s.writeJournal()
	if ctx.Err() != nil {
		return err
	}
	s.caller.Send(ctx, s.address(), Unsubscribe.Ctn()) // if it fails the document learns it later
	return err
}

func (s *Session) address() lmz.Address { return lmz.At(DocumentBinding, s.options.Document) }

// poke lets the loop look for something to do.
func (s *Session) poke() {
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// wake tells the screen that there is news, once until it pulls. s.mu is held.
func (s *Session) wake() {
	if !s.woken && s.options.Wake != nil {
		s.options.Wake()
	}
	s.woken = true
}

// Ready reports whether the text is there.
func (s *Session) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client != nil
}

// Text returns the text on the screen, empty before it is there. Do not change it.
func (s *Session) Text() *text.Text {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return new(text.Text)
	}
	return s.client.Text()
}

// Version returns the version up to which the text on the screen is the document's.
func (s *Session) Version() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return 0
	}
	return s.client.Version()
}

// Saved reports whether the document has everything that was typed, now and in earlier
// openings.
func (s *Session) Saved() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.restore) == 0 && (s.client == nil || s.client.Saved())
}

// Err returns why the session gets no further at the moment, or nil. It goes on trying.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// JournalErr returns why what is not saved is not in the journal either, or nil. It goes
// on trying.
func (s *Session) JournalErr() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unkept
}

// Unsaved returns what the document may not have, of this opening and earlier ones.
func (s *Session) Unsaved() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.restore)
	if s.client != nil && !s.client.Saved() {
		all = append(all, s.record())
	}
	return all
}

// record is what is not saved of this opening. s.mu is held.
func (s *Session) record() Record {
	u := s.client.Unsaved()
	return Record{s.options.Document, s.client.Editor(), u.Version, u.Edits}
}

var errNotReady = lmz.Errorf("the document is not loaded yet")

// Edit makes a change of the user. The error is that of [text.Text.Apply], or says that
// the text is not there yet.
func (s *Session) Edit(changes text.ChangeSet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return errNotReady
	}
	if err := s.client.Edit(changes); err != nil {
		return err
	}
	s.edited(changes)
	return nil
}

// Undo takes back the last step of this user and nothing of anybody else. It returns
// what changed on the screen, and false if there was nothing to take back.
func (s *Session) Undo() (text.ChangeSet, bool) { return s.step((*text.Client).Undo) }

// Redo does again what the last Undo took back.
func (s *Session) Redo() (text.ChangeSet, bool) { return s.step((*text.Client).Redo) }

func (s *Session) step(do func(*text.Client) (text.ChangeSet, bool)) (text.ChangeSet, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return text.ChangeSet{}, false
	}
	changes, ok := do(s.client)
	if ok {
		s.edited(changes)
	}
	return changes, ok
}

// Boundary ends a step of undo: call it after a pause in typing.
func (s *Session) Boundary() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.Boundary()
	}
}

// edited is what follows a change of the user. s.mu is held.
func (s *Session) edited(changes text.ChangeSet) {
	s.moveFindings(changes)
	s.journal.dirty()
	s.poke()
}

// SetCursor tells the others where this user's cursor is: the selection goes from anchor
// to head, both as on the screen.
func (s *Session) SetCursor(anchor, head int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cursor != nil && s.cursor.Anchor == anchor && s.cursor.Head == head {
		return
	}
	s.cursor = &Cursor{Anchor: anchor, Head: head}
	s.sayCursor = true
	s.poke()
}

// Discard drops what a document refused from the journal.
func (s *Session) Discard(r Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal.drop(r.Record)
	s.poke()
}

// Pull takes what has happened since the last Pull, and puts it into the text.
func (s *Session) Pull() News {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.woken = false
	s.takeLoaded()
	s.takeInbox()
	news := s.news
	s.news = News{}
	return news
}

// takeLoaded puts a text on the screen that was read. What was not saved until then is
// pushed on its own, or was refused.
func (s *Session) takeLoaded() {
	l := s.loaded
	if l == nil {
		return
	}
	if s.client != nil && s.client.Saved() {
		s.journal.drop(Record{Document: s.options.Document, Editor: s.client.Editor()})
	} else if s.client != nil {
		if r := s.record(); s.refused {
			s.news.Refused = append(s.news.Refused, Refusal{r, s.reload})
			s.journal.keep(r)
		} else {
			s.restore = append(s.restore, r)
			s.journal.keep(r)
		}
	}
	s.client = text.NewClient(newEditor(), l.version, l.text)
	s.loaded, s.reload, s.refused = nil, nil, false
	s.findings, s.early, s.recent = nil, nil, nil
	s.news = News{Loaded: true, People: true, Spelling: true, Status: true, Refused: s.news.Refused}
	s.poke()
}

// takeInbox puts what was made into the text, as far as it is there without gaps.
func (s *Session) takeInbox() {
	if s.client == nil || s.reload != nil {
		return
	}
	saved := s.client.Saved()
	for {
		e, ok := s.inbox[s.client.Version()+1]
		if !ok {
			break
		}
		changes, err := s.client.Receive(e)
		if err != nil { // what is on the screen is not what the document has
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
		s.journal.dirty()
	}
	s.takeEarly()
	s.poke() // to push what is pending
}

// received is what follows an entry that is in the text. s.mu is held.
func (s *Session) received(e text.Entry, changes text.ChangeSet) {
	if !changes.Empty() {
		s.news.Changes = append(s.news.Changes, changes)
		s.moveFindings(changes)
	}
	s.recent = append(s.recent, e)
	if len(s.recent) > 2*recentEntries {
		s.recent = slices.Clone(s.recent[recentEntries:])
	}
	for id, p := range s.people {
		s.people[id] = p.after([]text.Entry{e})
		s.news.People = true
	}
}

// mustReload has the text loaded anew. s.mu is held.
func (s *Session) mustReload(why error, refused bool) {
	if s.reload != nil {
		return
	}
	s.reload, s.refused, s.subscribed, s.loaded, s.opening = why, refused, false, nil, nil
	s.poke()
}
