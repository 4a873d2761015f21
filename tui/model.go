package tui

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/examples/editor"
)

const (
	saveDelay  = 150 * time.Millisecond // from the first key that is not saved
	retryDelay = time.Second            // after a failed save or opening
	flushLimit = 3 * time.Second        // how long quitting waits for the last save
	stuckAfter = 10 * time.Second       // when being offline gets a lasting line
	closeLimit = time.Second            // for unsubscribing
)

// phase is how far the user is with quitting.
type phase int

const (
	editing  phase = iota
	flushing       // waiting for the last save
	asking         // whether to quit without it
	leaving
)

// model is the editor: everything on the screen, and what is to be done. Only the
// goroutine of the program uses it.
type model struct {
	ctx      context.Context // of calls; ends when the program has
	document string
	server   string
	editor   *editor.EditorClient
	open     *editor.OpenDocument // nil until the document was opened
	pump     *pump
	log      *eventLog
	now      func() time.Time

	width, height int
	styles        styles
	area          textArea
	search        search
	press         press         // of the mouse
	buffer        editor.Buffer // its Text is that of area
	findings      map[string][]string
	by            string // who changed the text last
	kept          *kept  // nil until a held text was taken

	state   client.State
	offline time.Time // since when, while not connected
	ticking bool
	failure string // why the last attempt to connect failed
	unsaved string // why the last save failed
	note    string // in a bar until the next key
	blocked error  // why there is no connection until the user wants one

	saveSet bool // a saveMsg is on its way
	phase   phase
	stopped bool // quitting was not the user's wish: there is nobody to ask
	help    bool
	err     error // of Run
}

// kept is the text that a held one has replaced, for undo.
type kept struct {
	text   string
	cursor int
}

// Messages of the model to itself.
type (
	openedMsg struct {
		document *editor.OpenDocument
		err      error
	}
	savedMsg struct {
		version int
		err     error
	}
	openAgainMsg struct{}
	saveMsg      struct{} // it is time to save
	flushedMsg   struct{} // it is time to ask
	tickMsg      struct{} // a second has passed while not connected
)

func after(d time.Duration, msg tea.Msg) tea.Cmd {
	return tea.Tick(d, func(time.Time) tea.Msg { return msg })
}

// Init connects and opens the document.
func (m *model) Init() tea.Cmd {
	return tea.Batch(m.pump.wait(m.ctx.Done()), m.openDocument(), m.tick())
}

// tick counts the seconds while there is no connection.
func (m *model) tick() tea.Cmd {
	if m.ticking || m.state == client.Connected {
		return nil
	}
	m.ticking = true
	return after(time.Second, tickMsg{})
}

// openDocument connects and opens the document, again if need be. The outcome comes
// through the pump, behind the text.
func (m *model) openDocument() tea.Cmd {
	old := m.open
	return func() tea.Msg {
		if old != nil {
			m.closeDocument(old)
		}
		if err := m.editor.Connect(m.ctx); err != nil {
			return openedMsg{err: err}
		}
		d, err := m.editor.Open(m.ctx, m.document, editor.Callbacks{
			OnContent:  func(c editor.Change) { m.pump.push(contentMsg(c)) },
			OnFindings: func(f []editor.Finding) { m.pump.push(findingsMsg(f)) },
			OnError:    func(err error) { m.pump.push(openedMsg{err: err}) },
		})
		m.pump.push(openedMsg{d, err})
		return nil
	}
}

// opened takes the outcome of openDocument, or of what EditorClient did after a lost
// session.
func (m *model) opened(msg openedMsg) tea.Cmd {
	if msg.err == nil {
		m.open = msg.document
		return m.save()
	}
	m.log.printf("opening failed: %s", describe(msg.err))
	if m.open != nil || errors.Is(msg.err, lmz.ErrOutcomeUnknown) && !errors.Is(msg.err, client.ErrSuperseded) {
		return after(retryDelay, openAgainMsg{})
	}
	m.err = msg.err
	return tea.Quit
}

func (m *model) closeDocument(d *editor.OpenDocument) {
	ctx, cancel := context.WithTimeout(m.ctx, closeLimit)
	defer cancel()
	if err := d.Close(ctx); err != nil {
		m.log.printf("closing failed: %s", describe(err))
	}
}

// edited is called after each change by the user.
func (m *model) edited() tea.Cmd {
	m.buffer.Text = m.area.text
	return m.saveSoon(saveDelay)
}

func (m *model) saveSoon(d time.Duration) tea.Cmd {
	if m.saveSet || !m.buffer.Dirty() {
		return nil
	}
	m.saveSet = true
	return after(d, saveMsg{})
}

// save saves, unless that must wait: for an earlier save, or for the connection,
// whose return calls save as well.
func (m *model) save() tea.Cmd {
	if m.open == nil || m.state != client.Connected {
		return nil
	}
	text, ok := m.buffer.BeginSave()
	if !ok {
		return nil
	}
	d := m.open // commands run on goroutines of their own
	return func() tea.Msg {
		version, err := d.Save(m.ctx, text)
		return savedMsg{version, err}
	}
}

// saved takes the outcome of save.
func (m *model) saved(msg savedMsg) tea.Cmd {
	if msg.err != nil {
		m.log.printf("save failed: %s", describe(msg.err))
		m.buffer.SaveFailed()
		if m.state == client.Connected {
			m.unsaved = describe(msg.err)
		}
		if lmz.CodeOf(msg.err) == lmz.CodeGuard { // the document does not know us any more
			return tea.Batch(m.openDocument(), m.saveSoon(retryDelay))
		}
		return m.saveSoon(retryDelay)
	}
	m.log.printf("saved version %d", msg.version)
	m.buffer.Saved(msg.version)
	m.unsaved, m.by = "", "you"
	return m.goOn()
}

// arrive takes a text of the document.
func (m *model) arrive(c editor.Change) {
	if c.Version > m.buffer.Version() || m.by == "" {
		m.by = c.By
	}
	if m.buffer.Arrive(c) {
		m.area.replace(m.buffer.Text)
	}
}

// take puts the held text on the screen.
func (m *model) take() tea.Cmd {
	by := someone(m.buffer.Held.By)
	m.kept = &kept{m.area.text, m.area.cursor}
	m.buffer.Take()
	m.area.replace(m.buffer.Text)
	m.note = "taken from " + by + ", ^Z brings yours back"
	return m.edited()
}

// undo exchanges the text on the screen for the one that take replaced, so that
// nothing is lost by it either.
func (m *model) undo() tea.Cmd {
	if m.kept == nil {
		return nil
	}
	now := &kept{m.area.text, m.area.cursor}
	m.area.replace(m.kept.text)
	m.area.moveTo(m.kept.cursor)
	m.kept = now
	m.note = "exchanged, ^Z changes back"
	return m.edited()
}

// quit ends the program when everything is saved, or asks.
func (m *model) quit() tea.Cmd {
	if m.phase == editing {
		m.phase = flushing
		if !m.buffer.Dirty() {
			return m.leave()
		}
		return tea.Batch(m.save(), after(flushLimit, flushedMsg{}))
	}
	return nil
}

// goOn is called when something was saved, or needs no saving any more: it saves what
// is left, or quits if the user waits for that.
func (m *model) goOn() tea.Cmd {
	waits := m.phase == flushing || m.phase == asking
	switch {
	case m.phase == editing:
		return m.saveSoon(saveDelay)
	case waits && m.buffer.Dirty():
		return m.save()
	case waits:
		return m.leave()
	}
	return nil
}

// leave unsubscribes and ends the program.
func (m *model) leave() tea.Cmd {
	m.phase = leaving
	if m.blocked != nil {
		m.err = m.blocked
	}
	if m.open == nil || m.state != client.Connected {
		return tea.Quit
	}
	d := m.open
	return func() tea.Msg {
		m.closeDocument(d)
		return tea.QuitMsg{}
	}
}

// describe puts an error on one line.
func describe(err error) string { return clean(err.Error()) }

// reason is the heart of an error of the network, without what was tried at the time.
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
	if name == "" {
		return "somebody"
	}
	return clean(name)
}
