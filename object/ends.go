package object

import (
	"slices"
	"sync"
	"time"
)

// ends paces the work of objects when sessions end. A client may have subscribed to
// thousands of objects, each of which may need to be opened. So only a few work at a time,
// and payers take turns. The zero value is ready to use. Waiting work is stored by its
// object, so losing the queue loses nothing.
type ends struct {
	mu      sync.Mutex // guards the following fields
	running int
	payers  []string // with waiting work, the next one first
	waiting map[string][]func(finished func())
}

// maxEnds is how many objects do work for the end of a session at once.
const maxEnds = 2

// slowEnd is how long one may take before the next begins anyway.
const slowEnd = time.Second

// add queues start, to be called when it is its turn. start must not block, and must call
// finished when the work is done.
func (e *ends) add(payer string, start func(finished func())) {
	e.mu.Lock()
	if e.waiting == nil {
		e.waiting = make(map[string][]func(func()))
	}
	if e.waiting[payer] = append(e.waiting[payer], start); len(e.waiting[payer]) == 1 {
		e.payers = append(e.payers, payer)
	}
	e.mu.Unlock()
	e.next()
}

// next starts as many as may run.
func (e *ends) next() {
	for start := e.take(); start != nil; start = e.take() {
		var once sync.Once
		finished := func() {
			once.Do(func() {
				e.mu.Lock()
				e.running--
				e.mu.Unlock()
				go e.next() // start may still be running
			})
		}
		slow := time.AfterFunc(slowEnd, finished)
		start(func() {
			slow.Stop()
			finished()
		})
	}
}

// take returns the next one to start now, or nil.
func (e *ends) take() (start func(finished func())) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running == maxEnds || len(e.payers) == 0 {
		return nil
	}
	e.running++
	payer := e.payers[0]
	e.payers = slices.Delete(e.payers, 0, 1)
	start, e.waiting[payer] = e.waiting[payer][0], e.waiting[payer][1:]
	if len(e.waiting[payer]) > 0 {
		e.payers = append(e.payers, payer)
	} else {
		delete(e.waiting, payer)
	}
	return start
}
