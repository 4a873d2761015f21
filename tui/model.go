package tui

import (
	"context"
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
	"github.com/lumenize/lmz/internal/printable"
)

const (
	flushLimit = 3 * time.Second  // how long quitting waits for the last edits
	stuckAfter = 10 * time.Second // how long until being offline is shown in a bar
	closeLimit = time.Second      // limit for closing a document
	undoPause  = time.Second      // pause in typing that ends a step of undo
)

// phase is the progress of quitting.
type phase int

const (
	editing  phase = iota
	flushing       // waiting until everything is sent
	asking         // whether to quit with unsent edits
	leaving
)

// model is the state of the editor. Only the goroutine of the program uses it.
type model struct {
	ctx      context.Context // of calls; ends with the program
	options  Options
	document string // "" while none is chosen
	peer     *client.Peer
	desk     *editor.Desk
	doc      *editor.OpenDocument // nil while no document is open
	journal  *journal
	unkept   error // why the journal could not be opened
	pump     *pump
	log      *eventLog
	now      func() time.Time

	width, height int
	styles        styles
	area          textArea // its text is that of doc
	typed         time.Time
	search        search
	press         press // of the mouse
	menu          *menu // nil while closed
	picker        *picker
	versions      *versions // nil while they are not shown
	people        []editor.Person
	findings      []editor.Misspelling
	refused       []editor.Refusal // shown until the user has seen them
	file          *sharedFile      // nil if none is shared

	state   client.State
	offline time.Time // since when, while not connected
	ticking bool
	failure string // why the last attempt to connect failed
	note    string // in a bar until the next key
	blocked error  // why there is no connection until the user asks for one

	phase   phase
	stopped bool // the user did not choose to quit: there is nobody to ask
	help    bool
	err     error // returned by Run
}

// Messages of the model to itself.
type (
	connectedMsg struct{ err error }
	closedMsg    struct{ next string } // a document was closed, another is to be opened
	flushedMsg   struct{}              // time to ask
	tickMsg      struct{}              // a second has passed while not connected
)

func after(d time.Duration, msg tea.Msg) tea.Cmd {
	return tea.Tick(d, func(time.Time) tea.Msg { return msg })
}

// Init connects and opens the document, or the picker.
func (m *model) Init() tea.Cmd {
	cmds := []tea.Cmd{m.pump.wait(m.ctx.Done()), m.connect(), m.tick(), tea.RequestBackgroundColor}
	if m.document == "" {
		cmds = append(cmds, m.pick())
	} else {
		m.open(m.document)
	}
	return tea.Batch(cmds...)
}

// tick counts the seconds while there is no connection.
func (m *model) tick() tea.Cmd {
	if m.ticking || m.state == client.Connected {
		return nil
	}
	m.ticking = true
	return after(time.Second, tickMsg{})
}

// connect connects. A failure that requires user action also comes through the pump.
func (m *model) connect() tea.Cmd {
	return func() tea.Msg { return connectedMsg{m.peer.Connect(m.ctx)} }
}

// open opens a document. Its text arrives as news.
func (m *model) open(document string) {
	m.document, m.picker, m.people, m.findings = document, nil, nil, nil
	m.area.replace("")
	j, err := openJournal(m.options.StateDir, m.options.Client.URL, m.options.Account, document)
	if m.unkept = err; err != nil {
		m.log.printf("no journal: %s", describe(err))
		j = nil
	}
	o := editor.OpenOptions{Document: document, Wake: func() { m.pump.push(newsMsg{}) }, Restore: j.left()}
	if j != nil {
		o.Journal = j.store
	}
	if m.doc, err = m.desk.Open(m.peer, o); err != nil {
		m.err = err // it is already open at this desk: a bug
		return
	}
	m.journal = j
	m.log.printf("opening, %d earlier to send", len(o.Restore))
}

// close closes the open document and then sends the message then.
func (m *model) close(then tea.Msg) tea.Cmd {
	s, j := m.doc, m.journal
	m.doc, m.journal, m.menu, m.versions, m.search = nil, nil, nil, nil, search{}
	return func() tea.Msg {
		if s == nil {
			return then
		}
		ctx, cancel := context.WithTimeout(m.ctx, closeLimit)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			m.log.printf("closing failed: %s", describe(err))
		}
		j.close()
		return then
	}
}

// ready reports whether there is a text to edit.
func (m *model) ready() bool { return m.doc != nil && m.doc.Ready() }

// news shows the document's changes.
func (m *model) news() tea.Cmd {
	if m.doc == nil {
		return nil
	}
	news := m.doc.Pull()
	if news.Loaded { // the text includes the changes
		m.area.replace(m.doc.Text().String())
		m.log.printf("loaded version %d", m.doc.Version())
		news.Changes = nil
		m.join()
	}
	for _, c := range news.Changes {
		m.area.apply(c, false)
	}
	if news.People || len(news.Changes) > 0 {
		m.people = m.doc.People()
	}
	if news.Spelling || len(news.Changes) > 0 {
		m.findings = m.doc.Findings()
	}
	if news.Status {
		if m.doc.Saved() {
			m.log.printf("saved version %d", m.doc.Version())
		} else if err := m.doc.Err(); err != nil {
			m.log.printf("not saved: %s", describe(err))
		}
	}
	m.refused = append(m.refused, news.Refused...)
	if m.phase == flushing && m.doc.Saved() {
		return m.leave()
	}
	return nil
}

// change replaces a part of the text, as an edit of the user.
func (m *model) change(from, to int, s string) {
	if from == to && s == "" {
		return
	}
	if now := m.now(); now.Sub(m.typed) > undoPause {
		m.doc.Boundary()
	}
	m.typed = m.now()
	c, err := m.area.change(m.doc.Text().Len(), from, to, s)
	if err == nil {
		err = m.doc.Edit(c)
	}
	if err != nil {
		m.note = describe(err)
		return
	}
	m.area.splice(from, to, s)
	m.findings = m.doc.Findings()
	m.menu = nil
}

// insert inserts s at the cursor, replacing the selection.
func (m *model) insert(s string) {
	from, to := m.area.selection()
	m.change(from, to, s)
}

// erase deletes the selection, or without one the text between the cursor and a position.
func (m *model) erase(to int) {
	from, end := m.area.selection()
	if from == end {
		from, end = min(m.area.cursor, to), max(m.area.cursor, to)
	}
	m.change(from, end, "")
}

// step undoes or redoes a step of this user, and moves the cursor there.
func (m *model) step(do func(*editor.OpenDocument) bool, nothing string) {
	if !do(m.doc) {
		m.note = nothing
		return
	}
	m.findings = m.doc.Findings()
}

func (m *model) undo() {
	m.step(func(s *editor.OpenDocument) bool {
		c, ok := s.Undo()
		if ok {
			m.area.applyOwn(c)
		}
		return ok
	}, "nothing of yours to undo")
}

func (m *model) redo() {
	m.step(func(s *editor.OpenDocument) bool {
		c, ok := s.Redo()
		if ok {
			m.area.applyOwn(c)
		}
		return ok
	}, "nothing to redo")
}

// quit ends the program once everything is sent, or asks the user.
func (m *model) quit() tea.Cmd {
	if m.phase != editing {
		return nil
	}
	m.phase, m.picker, m.versions, m.help = flushing, nil, nil, false
	if m.doc == nil || m.doc.Saved() {
		return m.leave()
	}
	return after(flushLimit, flushedMsg{})
}

// leave closes the document and ends the program.
func (m *model) leave() tea.Cmd {
	m.phase = leaving
	m.writeFile()
	if m.blocked != nil {
		m.err = m.blocked
	}
	return m.close(tea.QuitMsg{})
}

// describe returns an error on one line.
func describe(err error) string { return printable.Line(err.Error()) }

// reason returns the innermost error of a failed connection.
func reason(err error) string {
	var refused *client.DialError
	if !errors.As(err, &refused) || refused.Status != 0 {
		return describe(err)
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return describe(err)
}

func someone(name string) string {
	if strings.TrimSpace(printable.Strip(name)) == "" {
		return "somebody"
	}
	return printable.Line(strings.TrimSpace(name))
}
