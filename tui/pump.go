package tui

import (
	"fmt"
	"io"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/printable"
)

// Messages from the mesh to the model.
type (
	newsMsg    struct{} // the open document has news
	stateMsg   client.State
	failureMsg struct{ err error } // an attempt to connect failed, more will follow
	loginMsg   struct{ err *client.LoginRequiredError }
	stopMsg    struct{} // the context of Run has ended
	pumpedMsg  []tea.Msg
)

// pump passes events of the mesh to the model. The mesh never waits for the screen: push only
// appends. Of news and failures only the newest is kept; everything else stays in order.
type pump struct {
	mu    sync.Mutex // guards queue
	queue []tea.Msg
	wake  chan struct{} // has an element while queue is not empty
}

func newPump() *pump { return &pump{wake: make(chan struct{}, 1)} }

func (p *pump) push(msg tea.Msg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, old := range p.queue {
		if supersedes(msg, old) {
			p.queue = append(p.queue[:i], p.queue[i+1:]...)
			break
		}
	}
	p.queue = append(p.queue, msg)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func supersedes(msg, old tea.Msg) bool {
	switch msg.(type) {
	case newsMsg:
		_, same := old.(newsMsg)
		return same
	case failureMsg:
		_, same := old.(failureMsg)
		return same
	}
	return false
}

// wait returns a command that waits for pushed messages, or returns nil when done is closed.
func (p *pump) wait(done <-chan struct{}) tea.Cmd {
	return func() tea.Msg {
		select {
		case <-done:
			return nil
		case <-p.wake:
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		all := p.queue
		p.queue = nil
		return pumpedMsg(all)
	}
}

// maxLogged is the most bytes written for one event.
const maxLogged = 4 << 10

// eventLog writes a line for each event. Safe for concurrent use.
type eventLog struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

func (l *eventLog) printf(format string, args ...any) {
	if l.w == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// A log that cannot be written must not stop the editor.
	_, _ = fmt.Fprintf(l.w, "%s %s\n", time.Now().Format("15:04:05.000"),
		printable.Line(printable.Cut(fmt.Sprintf(format, args...), maxLogged)))
}
