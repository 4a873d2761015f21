package editor

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/text"
)

const (
	retryAfter  = time.Second           // after a failure
	gapPatience = 50 * time.Millisecond // what the document made may arrive behind an answer
	farBehind   = 5000                  // versions beyond which a text is rather read anew
	readers     = 8                     // parts of a text that are read at once
)

// run does what there is to do until ctx ends.
func (s *Session) run(ctx context.Context) {
	defer close(s.done)
	var writing sync.WaitGroup
	writing.Go(func() { s.keepJournal(ctx) })
	defer writing.Wait()
	s.poke()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.signal:
		}
		err := s.sync(ctx)
		if ctx.Err() != nil {
			return
		}
		s.note(err)
		if err == nil {
			continue
		}
		select { // a signal would only make it fail again at once
		case <-ctx.Done():
		case <-time.After(retryAfter):
			s.poke()
		}
	}
}

// note keeps why nothing goes on.
func (s *Session) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if (err == nil) != (s.err == nil) {
		s.news.Status = true
		s.wake()
	}
	s.err = err
}

// sync does everything that can be done now.
func (s *Session) sync(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.ensureSubscribed, s.load, s.pushRestored, s.fillGap, s.push} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	s.tellCursor(ctx)
	return nil
}

// ensureSubscribed subscribes unless the document knows this session.
func (s *Session) ensureSubscribed(ctx context.Context) error {
	s.mu.Lock()
	subscribed := s.subscribed
	s.mu.Unlock()
	if subscribed {
		return nil
	}
	return s.subscribe(ctx)
}

// missed has the document say again who is here and how far it is.
func (s *Session) missed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribed = false
	s.poke()
}

// subscribe asks the document for its state and for what comes after.
func (s *Session) subscribe(ctx context.Context) error {
	s.mu.Lock()
	s.asking++
	s.mu.Unlock()
	opening, err := Subscribe.Call(ctx, s.caller, s.address())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking--
	defer s.forgetGone()
	if err != nil {
		s.subscribed = false
		s.poke()
		return err
	}
	s.subscribed = true
	s.latest = max(s.latest, opening.Version)
	s.welcome(opening)
	s.sayCursor = s.cursor != nil
	switch {
	case s.client == nil || s.reload != nil:
		s.opening = &opening
	case opening.Version < s.client.Version():
		s.mustReload(lmz.Errorf("the document has an older state than this editor: it was brought back"), false)
	case opening.Version-s.client.Version() > farBehind && s.client.Saved():
		s.mustReload(lmz.Errorf("the document has gone far on"), false)
		s.opening, s.subscribed = &opening, true
	}
	s.wake()
	s.poke()
	return nil
}

// load reads the text that is not here.
func (s *Session) load(ctx context.Context) error {
	s.mu.Lock()
	o := s.opening
	s.mu.Unlock()
	if o == nil {
		return nil
	}
	whole, err := readAll(ctx, s.caller, s.address(), *o)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opening != o {
		s.poke() // there is a newer one
		return nil
	}
	s.opening, s.loaded = nil, &loaded{o.Version, text.NewText(whole)}
	s.wake()
	return nil
}

// ReadAll returns the whole text of a document and its version, for who does not edit
// it. It changes nothing, and fails with an error called [NoDocumentName] if there is none.
func ReadAll(ctx context.Context, via lmz.Caller, document string) (content string, version int, err error) {
	at := lmz.At(DocumentBinding, document)
	o, err := Peek.Call(ctx, via, at)
	if err != nil {
		return "", 0, err
	}
	content, err = readAll(ctx, via, at, o)
	return content, o.Version, err
}

// readAll reads the parts that follow the first, several at once.
func readAll(ctx context.Context, via lmz.Caller, at lmz.Address, o Opening) (string, error) {
	parts := make([]string, max(1, (o.Length+PartLength-1)/PartLength))
	parts[0] = o.Text
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var work sync.WaitGroup
	for range min(readers, len(parts)-1) {
		work.Go(func() {
			for i := range next {
				part, err := Read.Call(ctx, via, at, o.Version, i*PartLength)
				if err != nil {
					cancel(err)
					return
				}
				parts[i] = part
			}
		})
	}
	for i := 1; i < len(parts) && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	work.Wait()
	return strings.Join(parts, ""), context.Cause(ctx)
}

// pushRestored pushes what earlier openings have left.
func (s *Session) pushRestored(ctx context.Context) error {
	for {
		s.mu.Lock()
		if len(s.restore) == 0 {
			s.mu.Unlock()
			return nil
		}
		r := s.restore[0]
		s.mu.Unlock()
		err := s.pushRecord(ctx, r)
		if err != nil && !final(err) {
			return s.failed(err)
		}
		s.mu.Lock()
		s.restore = s.restore[1:]
		s.news.Status = true
		if err != nil {
			s.news.Refused = append(s.news.Refused, Refusal{r, err})
		} else {
			s.journal.drop(r)
		}
		s.wake()
		s.poke()
		s.mu.Unlock()
	}
}

// final reports whether an error is the document's last word on an edit.
func final(err error) bool {
	e := new(lmz.Error)
	return errors.As(err, &e) && (e.Name == RefusedName || e.Name == TooOldName)
}

// pushRecord brings a record to the newest version and pushes it, in parts that fit.
func (s *Session) pushRecord(ctx context.Context, r Record) error {
	edits, err := text.Edits(r.Edits)
	if err != nil {
		return refused(err)
	}
	version := r.Version
	for len(edits) > 0 {
		m, err := Changes.Call(ctx, s.caller, s.address(), version)
		if err != nil {
			return err
		}
		entries, err := readMade(m.Made)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if edits, err = text.Rebase(edits, e); err != nil {
				return refused(err)
			}
			version = e.Version
		}
		if version < m.Version || len(edits) == 0 {
			continue
		}
		if _, err := Push.Call(ctx, s.caller, s.address(), version, text.Updates(edits[:text.Batch(edits)])); err != nil {
			return err
		}
	}
	return nil
}

// arrive takes what the document has made.
func (s *Session) arrive(entries []text.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		s.inbox[e.Version] = e
		s.latest = max(s.latest, e.Version)
	}
	s.wake()
	s.poke()
}

// reached returns the version up to which everything is here. s.mu is held.
func (s *Session) reached() int {
	version := 0
	switch {
	case s.loaded != nil:
		version = s.loaded.version
	case s.client != nil && s.reload == nil:
		version = s.client.Version()
	default:
		return s.latest // what comes is not needed before there is a text
	}
	for {
		if _, ok := s.inbox[version+1]; !ok {
			return version
		}
		version++
	}
}

// gap reports whether versions are missing that exist. s.mu is held.
func (s *Session) gap() bool { return s.reached() < s.latest }

// fillGap asks for versions that are missing, unless they arrive by themselves.
func (s *Session) fillGap(ctx context.Context) error {
	s.mu.Lock()
	gap := s.gap()
	s.mu.Unlock()
	if !gap {
		return nil
	}
	for patience := time.After(gapPatience); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.signal:
		case <-patience:
			return s.askForGap(ctx)
		}
		s.mu.Lock()
		gap := s.gap()
		s.mu.Unlock()
		if !gap {
			return nil
		}
	}
}

// askForGap asks for versions that are missing.
func (s *Session) askForGap(ctx context.Context) error {
	for {
		s.mu.Lock()
		since, gap := s.reached(), s.gap()
		s.mu.Unlock()
		if !gap {
			return nil
		}
		m, err := Changes.Call(ctx, s.caller, s.address(), since)
		if err != nil {
			return s.failed(err)
		}
		entries, err := readMade(m.Made)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			s.mu.Lock()
			s.latest = min(s.latest, m.Version)
			s.mu.Unlock()
			return nil
		}
		s.arrive(entries)
	}
}

// push pushes what was typed.
func (s *Session) push(ctx context.Context) error {
	s.mu.Lock()
	if s.client == nil || s.reload != nil || s.loaded != nil {
		s.mu.Unlock()
		return nil
	}
	base, edits := s.client.Push()
	c := s.client
	s.mu.Unlock()
	if len(edits) == 0 {
		return nil
	}
	pushed, err := Push.Call(ctx, s.caller, s.address(), base, text.Updates(edits))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != c {
		return nil
	}
	if err != nil {
		c.PushFailed()
		return s.failedLocked(err)
	}
	if len(pushed.Versions) > 0 {
		c.Pushed(pushed.Versions[len(pushed.Versions)-1])
	}
	s.latest = max(s.latest, pushed.Version)
	s.poke()
	return nil
}

func (s *Session) failed(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failedLocked(err)
}

// failedLocked decides what an error means for the session. s.mu is held.
func (s *Session) failedLocked(err error) error {
	e := new(lmz.Error)
	switch {
	case errors.As(err, &e) && (e.Name == RefusedName || e.Name == TooOldName):
		s.mustReload(err, e.Name == RefusedName)
		return nil
	case lmz.CodeOf(err) == lmz.CodeGuard:
		s.subscribed = false // the document has forgotten us
	}
	return err
}

// tellCursor tells the document where the cursor is. It matters to nobody for long, so
// it is sent without asking what became of it.
func (s *Session) tellCursor(ctx context.Context) {
	s.mu.Lock()
	if !s.sayCursor || s.client == nil || s.reload != nil || !s.subscribed {
		s.mu.Unlock()
		return
	}
	s.sayCursor = false
	c := Cursor{ClientID: s.client.Editor(), Version: s.client.Version()}
	c.Anchor, c.Head = s.client.Confirmed(s.cursor.Anchor), s.client.Confirmed(s.cursor.Head)
	s.mu.Unlock()
	// An error says that the client is offline; it subscribes and tells it again then.
	_ = s.caller.Send(ctx, s.address(), Present.Ctn(c))
}
