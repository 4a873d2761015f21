package editor

import (
	"context"
	"errors"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

// do runs an event and starts its effects. The event must not block.
func (d *OpenDocument) do(event func(*text.Sync)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	event(d.sync)
	for _, e := range d.sync.Effects() {
		d.perform(e)
	}
}

// perform starts an effect. d.mu is held.
func (d *OpenDocument) perform(e text.Effect) {
	if d.ctx.Err() != nil {
		return
	}
	switch e := e.(type) {
	case text.Subscribe:
		d.work.Go(func() { d.subscribe(d.ctx) })
	case text.Load:
		d.work.Go(func() { d.load(e) })
	case text.Fetch:
		d.work.Go(func() { d.fetch(e) })
	case text.Push:
		d.work.Go(func() { d.push(e) })
	case text.Store:
		d.work.Go(func() { _ = d.store(e.Records) }) // only Close reports the error
	case text.Present:
		// An error means that the client is offline: it subscribes later, and presents again.
		_ = d.caller.Send(d.ctx, d.address(), Present.Ctn(e.Cursor))
	case text.Wait:
		if timer := d.timers[e.Timer]; timer != nil {
			timer.Stop()
		}
		d.timers[e.Timer] = time.AfterFunc(e.For, func() { d.do(func(s *text.Sync) { s.Due(e.Timer) }) })
	case text.Wake:
		d.wake()
	}
}

// failed reports a failed call, unless it failed because the document was closed.
func (d *OpenDocument) failed(call int, err error) {
	if d.ctx.Err() == nil {
		d.do(func(s *text.Sync) { s.Failed(call, failure(err), err) })
	}
}

// failure returns what an error of a document means for its editors.
func failure(err error) text.Failure {
	e := new(lmz.Error)
	switch named := errors.As(err, &e); {
	case named && (e.Name == RefusedName || e.Name == TooOldName):
		return text.Failure(e.Name)
	case lmz.CodeOf(err) == lmz.CodeGuard:
		return text.NotSubscribed
	}
	return ""
}

func (d *OpenDocument) subscribe(ctx context.Context) {
	opening, err := Subscribe.Call(ctx, d.caller, d.address())
	if err != nil {
		d.failed(0, err)
		return
	}
	d.do(func(s *text.Sync) { s.Subscribed(opening) })
}

// resubscribe subscribes, bounded by ctx, and returns when the document has answered.
func (d *OpenDocument) resubscribe(ctx context.Context) {
	d.mu.Lock()
	d.sync.Resubscribe()
	for _, e := range d.sync.Effects() {
		if _, ok := e.(text.Subscribe); !ok {
			d.perform(e)
		}
	}
	d.mu.Unlock()
	d.subscribe(ctx)
}

func (d *OpenDocument) load(e text.Load) {
	whole, err := readAll(d.ctx, d.caller, d.address(), *e.Opening)
	if err != nil {
		d.failed(e.Call, err)
		return
	}
	t := text.NewText(whole)
	d.do(func(s *text.Sync) { s.Loaded(e.Call, t, newEditor()) })
}

func (d *OpenDocument) fetch(e text.Fetch) {
	missing, err := Changes.Call(d.ctx, d.caller, d.address(), e.Since)
	var entries []text.Entry
	if err == nil {
		entries, err = readMade(missing.Made)
	}
	if err != nil {
		d.failed(e.Call, err)
		return
	}
	d.do(func(s *text.Sync) { s.Fetched(e.Call, entries, missing.Version) })
}

func (d *OpenDocument) push(e text.Push) {
	pushed, err := Push.Call(d.ctx, d.caller, d.address(), e.Base, text.Updates(e.Edits))
	if err != nil {
		d.failed(e.Call, err)
		return
	}
	made := 0
	if n := len(pushed.Versions); n > 0 {
		made = pushed.Versions[n-1]
	}
	d.do(func(s *text.Sync) { s.Pushed(e.Call, made, pushed.Version) })
}

// store writes records to the journal, up to the first that fails.
func (d *OpenDocument) store(records []Record) (err error) {
	n := 0
	if d.options.Journal != nil {
		for _, r := range records {
			if err = d.options.Journal(r); err != nil {
				break
			}
			n++
		}
	}
	d.do(func(s *text.Sync) { s.Stored(n, err) })
	return err
}
