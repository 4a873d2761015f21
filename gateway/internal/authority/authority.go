// Package authority ends connections and requests whose authority was revoked. Everything
// that acts under a verified identity is a [Bearer]. After a revocation the bearer is
// verified again, by the rules under which it was admitted, and only that result decides.
package authority

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz"
)

// Bearer is a connection or an HTTP request in progress, which acts under an identity that
// was verified when it was admitted. A reported revocation only makes the gateway verify it
// again; the result decides whether the bearer ends or continues with its current claims.
type Bearer struct {
	Ask   func(context.Context) (*lmz.Auth, error) // verifies it again, by the rules that admitted it
	Taken func(reason string)                      // ends it
	GoOn  func(now *lmz.Auth)                      // continues with that identity, which may be unchanged

	Log  *slog.Logger  // identifies it
	turn chan struct{} // a semaphore: one check at a time

	// The following fields are guarded by Authority.mu.
	ids     []string // its keys in Authority.byID
	checked uint64   // Authority.Number before the last check
	queue   *queue   // where it waits, or nil
	gone    bool
	again   *time.Timer // schedules the next check, or nil
	askAt   time.Time   // when that is due, in wall-clock time; zero once it was
}

// Options are what an [Authority] needs of its gateway.
type Options struct {
	Ctx         context.Context // ends when the gateway closes
	Revocations func() uint64   // changes with every revocation; nil if there is no such counter
	Reverify    time.Duration   // interval of unconditional checks; 0 means never
	Heartbeat   time.Duration   // interval at which Revocations is read
	Look        func()          // called every few seconds, to check the clock
}

// queue is a queue of bearers to check.
type queue []*Bearer

// Authority tracks all bearers and checks them.
type Authority struct {
	options Options
	pushed  atomic.Uint64 // calls of Revoke

	mu      sync.Mutex // guards the following fields
	bearers map[*Bearer]bool
	byID    map[string]map[*Bearer]bool
	urgent  queue // affected by a revocation
	due     queue // due by time
	workers int
	beating bool
	closed  bool

	work sync.WaitGroup
}

// Wait waits for the checks in progress. They end soon after Options.Ctx.
func (a *Authority) Wait() { a.work.Wait() }

const (
	maxCheckers  = 8                // checks at a time
	checkTimeout = 10 * time.Second // for one check
	recheckAfter = 5 * time.Second  // after a check that failed to get an answer
	lookAgain    = 5 * time.Second  // interval of Look and askLate
)

// New returns an Authority without bearers.
func New(o Options) *Authority {
	return &Authority{options: o, bearers: make(map[*Bearer]bool), byID: make(map[string]map[*Bearer]bool)}
}

// Revoke schedules a check of the bearers with these ids.
func (a *Authority) Revoke(ids ...string) {
	a.pushed.Add(1)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		for b := range a.byID[id] {
			a.wait(b, &a.urgent)
		}
	}
}

// Number returns a number that changes with every revocation.
func (a *Authority) Number() uint64 {
	n := a.pushed.Load()
	if f := a.options.Revocations; f != nil {
		n += f()
	}
	return n
}

// Add registers a bearer that was verified to be auth after number was read.
func (a *Authority) Add(b *Bearer, auth *lmz.Auth, number uint64) {
	now := a.Number()
	b.turn = make(chan struct{}, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bearers[b] = true
	b.checked = number
	a.index(b, idsOf(auth))
	a.later(b, a.options.Reverify)
	if now != number { // revoked while it was verified
		a.wait(b, &a.urgent)
	}
	if !a.beating && !a.closed {
		a.beating = true
		a.work.Go(a.beat)
	}
}

// Remove unregisters a bearer.
func (a *Authority) Remove(b *Bearer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b.gone = true
	delete(a.bearers, b)
	a.index(b, nil)
	a.later(b, 0)
}

// index files a bearer under ids. a.mu is held.
func (a *Authority) index(b *Bearer, ids []string) {
	for _, id := range b.ids {
		if delete(a.byID[id], b); len(a.byID[id]) == 0 {
			delete(a.byID, id)
		}
	}
	for _, id := range ids {
		if a.byID[id] == nil {
			a.byID[id] = make(map[*Bearer]bool)
		}
		a.byID[id][b] = true
	}
	b.ids = ids
}

// idsOf returns the ids whose revocation affects auth: its own, and those of the subjects
// that act on its behalf (the claim act of RFC 8693).
func idsOf(auth *lmz.Auth) []string {
	ids := []string{auth.Subject}
	for _, id := range []string{auth.Session, auth.Token} {
		if id != "" {
			ids = append(ids, id)
		}
	}
	for act, _ := auth.Claims["act"].(map[string]any); act != nil && len(ids) < maxIDs; act, _ = act["act"].(map[string]any) {
		if sub, _ := act["sub"].(string); sub != "" {
			ids = append(ids, sub)
		}
	}
	return ids
}

const maxIDs = 16

// later schedules a check of a bearer, replacing the previous schedule; 0 cancels it. a.mu is
// held.
func (a *Authority) later(b *Bearer, after time.Duration) {
	if b.again != nil {
		b.again.Stop()
		b.again, b.askAt = nil, time.Time{}
	}
	if after > 0 && !b.gone {
		b.askAt = time.Now().Add(after).Round(0)
		var timer *time.Timer
		timer = time.AfterFunc(after, func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			if b.again != timer || b.askAt.IsZero() { // askLate came first
				return
			}
			b.askAt = time.Time{}
			a.wait(b, &a.due)
		})
		b.again = timer
	}
}

// wait queues a bearer for a check. a.mu is held.
func (a *Authority) wait(b *Bearer, in *queue) {
	if b.gone || a.closed || b.queue == in || b.queue == &a.urgent {
		return
	}
	b.queue = in // if it is in the other one too, next skips it there
	*in = append(*in, b)
	if a.workers < maxCheckers {
		a.workers++
		a.work.Go(a.checkAll)
	}
}

// next removes the next bearer from the queues, or returns nil and ends the worker.
func (a *Authority) next() *Bearer {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, q := range []*queue{&a.urgent, &a.due} {
		for len(*q) > 0 && !a.closed {
			b := (*q)[0]
			*q = (*q)[1:]
			if b.queue == q {
				b.queue = nil
				return b
			}
		}
	}
	a.workers--
	return nil
}

func (a *Authority) checkAll() {
	for b := a.next(); b != nil; b = a.next() {
		a.Check(b, "what it came with")
	}
}

// Check verifies a bearer now, and ends or continues it. name is what the log calls the
// credential.
func (a *Authority) Check(b *Bearer, name string) {
	select {
	case b.turn <- struct{}{}:
	case <-a.options.Ctx.Done():
		return
	}
	defer func() { <-b.turn }()
	number := a.Number()
	ctx, cancel := context.WithTimeout(a.options.Ctx, checkTimeout)
	defer cancel()
	now, err := b.Ask(ctx)
	switch {
	case err == nil:
		a.mu.Lock()
		if !b.gone {
			b.checked = number
			a.index(b, idsOf(now))
			a.later(b, a.options.Reverify)
		}
		a.mu.Unlock()
		b.GoOn(now)
	case a.options.Ctx.Err() != nil:
	case Definite(err):
		b.Log.Warn(name+" refused", "error", err)
		a.Remove(b)
		b.Taken(reasonOf(err))
	default:
		b.Log.Warn(name+" could not be checked", "error", err)
		a.mu.Lock()
		a.later(b, recheckAfter)
		a.mu.Unlock()
	}
}

// beat verifies, once per heartbeat, the bearers that were not verified since the last
// revocation, in case a notification was lost or a check failed.
func (a *Authority) beat() {
	tick, look := time.NewTicker(a.options.Heartbeat), time.NewTicker(lookAgain)
	defer tick.Stop()
	defer look.Stop()
	for {
		select {
		case <-a.options.Ctx.Done():
			return
		case <-look.C:
			a.options.Look()
			a.askLate()
			continue
		case <-tick.C:
		}
		number := a.Number()
		a.mu.Lock()
		for b := range a.bearers {
			if b.checked != number {
				a.wait(b, &a.due)
			}
		}
		a.mu.Unlock()
	}
}

// askLate queues the bearers whose check is due although their timer has not fired: timers
// miss the time that the machine sleeps and adjustments of its clock.
func (a *Authority) askLate() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for b := range a.bearers {
		if !b.askAt.IsZero() && !time.Now().Before(b.askAt) {
			b.again.Stop()
			b.askAt = time.Time{}
			a.wait(b, &a.due)
		}
	}
}

// Close starts no more checks. work is done soon after, because the gateway's ctx has ended.
func (a *Authority) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
}

// refusal is an error that refuses a bearer, and says what the bearer may learn of it.
type refusal interface {
	error
	HTTPStatus() int
	OAuthError() (code, description string) // RFC 6750 section 3.1
}

// Denied is a refusal.
type Denied struct {
	Status  int    // HTTP status; 0 means 403
	Message string // for the other side
}

// Error returns the message.
func (d *Denied) Error() string { return d.Message }

// HTTPStatus returns the status.
func (d *Denied) HTTPStatus() int { return cmp.Or(d.Status, http.StatusForbidden) }

// OAuthError returns the OAuth error code and description for the other side.
func (d *Denied) OAuthError() (code, description string) { return "access_denied", d.Message }

// Status returns the HTTP status of a refusal, or 0 for any other error.
func Status(err error) int {
	if r, ok := errors.AsType[refusal](err); ok {
		return r.HTTPStatus()
	}
	return 0
}

// Definite reports whether an error is a refusal. Any other error means that the answer is
// unknown, for instance because the provider cannot be reached.
func Definite(err error) bool {
	status := Status(err)
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// reasonOf returns what the other side may learn of a refusal, as the reason of a close.
func reasonOf(err error) string {
	reason := ""
	if r, ok := errors.AsType[refusal](err); ok {
		_, reason = r.OAuthError()
	}
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return strings.ToValidUTF8(reason, "")
}

const maxReason = 120 // bytes; a close frame has 123 (RFC 6455 section 5.5)

// SameClaims reports whether a and b have the same claims.
func SameClaims(a, b *lmz.Auth) bool { return reflect.DeepEqual(a.Claims, b.Claims) }

// Seen returns auth as nodes see it: without the ids of session and token.
func Seen(auth *lmz.Auth) *lmz.Auth {
	if auth == nil || auth.Session == "" && auth.Token == "" {
		return auth
	}
	return &lmz.Auth{Subject: auth.Subject, Claims: auth.Claims, Expires: auth.Expires}
}
