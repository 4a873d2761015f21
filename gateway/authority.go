package gateway

import (
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

// bearer is a connection or an HTTP request in progress, which acts under an identity that
// was verified when it was admitted. A reported revocation only makes the gateway verify
// again; that answer decides whether the bearer ends or continues with its current claims.
type bearer struct {
	ask   func(context.Context) (*lmz.Auth, error) // who it is now, by the rules under which it came
	taken func(reason string)                      // ends it
	goOn  func(now *lmz.Auth)                      // has it go on with that; it may be as before

	log  *slog.Logger  // names who it is
	turn chan struct{} // has a place for one: who asks

	// The following fields are guarded by authority.mu.
	ids     []string // by which it is found
	checked uint64   // authority.number before it was asked last
	queue   *queue   // in which it waits, or nil
	gone    bool
	again   *time.Timer // asks later, or nil
	askAt   time.Time   // when that is, by the clock of the wall; zero once it was
}

// queue is a line of bearers to be asked about.
type queue []*bearer

// authority knows all bearers and asks about them.
type authority struct {
	gateway *Gateway
	pushed  atomic.Uint64 // calls of Revoke

	mu      sync.Mutex // guards the following fields
	bearers map[*bearer]bool
	byID    map[string]map[*bearer]bool
	urgent  queue // something of theirs was taken away
	due     queue // it is time
	workers int
	beating bool
	closed  bool

	work sync.WaitGroup
}

const (
	maxCheckers  = 8                // how many Verify are asked by this file at a time
	checkTimeout = 10 * time.Second // for one answer
	recheckAfter = 5 * time.Second  // a check that could not be made
	lookAgain    = 5 * time.Second  // at the clock, see closeExpired
)

func newAuthority(g *Gateway) *authority {
	return &authority{gateway: g, bearers: make(map[*bearer]bool), byID: make(map[string]map[*bearer]bool)}
}

// Revoke reports that a subject, a sign-in session or a token lost some or all of its authority. The ids are
// those of [lmz.Auth]; unknown ones are ignored. It returns at once. The gateway then verifies the credentials
// of all their connections and requests again, with Options.Verify or the hook that admitted them, and with
// BeforeAccept. A definite refusal (see Options.Verify) ends a connection, with the close code 4401, and cancels
// its calls; after any other answer it continues with the new claims. With package auth, pass Revoke to
// auth.Service.OnRevoke.
func (g *Gateway) Revoke(ids ...string) {
	a := g.authority
	a.pushed.Add(1)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		for b := range a.byID[id] {
			a.wait(b, &a.urgent)
		}
	}
}

// number is another one after something was taken away.
func (a *authority) number() uint64 {
	n := a.pushed.Load()
	if f := a.gateway.options.Revocations; f != nil {
		n += f()
	}
	return n
}

// add takes a bearer in who was verified to be auth after number was asked for.
func (a *authority) add(b *bearer, auth *lmz.Auth, number uint64) {
	now := a.number()
	b.turn = make(chan struct{}, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bearers[b] = true
	b.checked = number
	a.index(b, idsOf(auth))
	a.later(b, a.gateway.options.Reverify)
	if now != number { // while it was verified
		a.wait(b, &a.urgent)
	}
	if !a.beating && !a.closed {
		a.beating = true
		a.work.Go(a.beat)
	}
}

// remove forgets a bearer.
func (a *authority) remove(b *bearer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b.gone = true
	delete(a.bearers, b)
	a.index(b, nil)
	a.later(b, 0)
}

// index has a bearer found by ids. a.mu is held.
func (a *authority) index(b *bearer, ids []string) {
	for _, id := range b.ids {
		if delete(a.byID[id], b); len(a.byID[id]) == 0 {
			delete(a.byID, id)
		}
	}
	for _, id := range ids {
		if a.byID[id] == nil {
			a.byID[id] = make(map[*bearer]bool)
		}
		a.byID[id][b] = true
	}
	b.ids = ids
}

// idsOf returns the ids by which it is said that something was taken away from auth: its own,
// and the subjects who act on its behalf (the claim act of RFC 8693).
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

// later asks about a bearer after a while, instead of what was set before; 0 is never. a.mu
// is held.
func (a *authority) later(b *bearer, after time.Duration) {
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
			if b.again != timer || b.askAt.IsZero() { // askLate was first
				return
			}
			b.askAt = time.Time{}
			a.wait(b, &a.due)
		})
		b.again = timer
	}
}

// wait has a bearer asked about. a.mu is held.
func (a *authority) wait(b *bearer, in *queue) {
	if b.gone || a.closed || b.queue == in || b.queue == &a.urgent {
		return
	}
	b.queue = in // if it is in the other one too, it is passed over there
	*in = append(*in, b)
	if a.workers < maxCheckers {
		a.workers++
		a.work.Go(a.checkAll)
	}
}

// next takes the next bearer from the queues, or says that a worker is done.
func (a *authority) next() *bearer {
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

func (a *authority) checkAll() {
	for b := a.next(); b != nil; b = a.next() {
		a.check(b, "what it came with")
	}
}

// check asks about a bearer now, and has it end or go on. The log calls what is asked about
// by a name.
func (a *authority) check(b *bearer, name string) {
	select {
	case b.turn <- struct{}{}:
	case <-a.gateway.ctx.Done():
		return
	}
	defer func() { <-b.turn }()
	number := a.number()
	ctx, cancel := context.WithTimeout(a.gateway.ctx, checkTimeout)
	defer cancel()
	now, err := b.ask(ctx)
	switch {
	case err == nil:
		a.mu.Lock()
		if !b.gone {
			b.checked = number
			a.index(b, idsOf(now))
			a.later(b, a.gateway.options.Reverify)
		}
		a.mu.Unlock()
		b.goOn(now)
	case a.gateway.ctx.Err() != nil:
	case definite(err):
		b.log.Warn(name+" refused", "error", err)
		a.remove(b)
		b.taken(reasonOf(err))
	default:
		b.log.Warn(name+" could not be checked", "error", err)
		a.mu.Lock()
		a.later(b, recheckAfter)
		a.mu.Unlock()
	}
}

// beat verifies, once per heartbeat, the bearers that were not verified since the last
// revocation, in case a notification was lost or a check failed.
func (a *authority) beat() {
	tick, look := time.NewTicker(a.gateway.options.Heartbeat), time.NewTicker(lookAgain)
	defer tick.Stop()
	defer look.Stop()
	for {
		select {
		case <-a.gateway.ctx.Done():
			return
		case <-look.C:
			a.gateway.closeExpired()
			a.askLate()
			continue
		case <-tick.C:
		}
		number := a.number()
		a.mu.Lock()
		for b := range a.bearers {
			if b.checked != number {
				a.wait(b, &a.due)
			}
		}
		a.mu.Unlock()
	}
}

// askLate asks about the bearers whose time is over although their timer has not run: timers
// count neither the time that the machine sleeps nor that by which its clock is set.
func (a *authority) askLate() {
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

// close has nobody asked any more. work is done soon after, because the gateway's ctx has ended.
func (a *authority) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
}

// statusOf returns the HTTP status of a refusal, or 0 for an error that is none.
func statusOf(err error) int {
	var r *Refusal
	var public publicError
	switch {
	case errors.As(err, &r):
		return r.status()
	case errors.As(err, &public):
		return public.HTTPStatus()
	}
	return 0
}

// definite reports whether an error is a refusal. Any other error means that the answer is
// unknown, for instance because the provider cannot be reached.
func definite(err error) bool {
	status := statusOf(err)
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// reasonOf is what the other side may know of a refusal, as the reason of a close code.
func reasonOf(err error) string {
	var r *Refusal
	var public publicError
	reason := ""
	switch {
	case errors.As(err, &r):
		reason = r.Message
	case errors.As(err, &public):
		_, reason = public.OAuthError()
	}
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return strings.ToValidUTF8(reason, "")
}

const maxReason = 120 // bytes; a close frame has 123 (RFC 6455 section 5.5)

// sameClaims reports whether nothing has changed for those who see auth.
func sameClaims(a, b *lmz.Auth) bool { return reflect.DeepEqual(a.Claims, b.Claims) }

// seen is auth as nodes see it.
func seen(auth *lmz.Auth) *lmz.Auth {
	if auth == nil || auth.Session == "" && auth.Token == "" {
		return auth
	}
	return &lmz.Auth{Subject: auth.Subject, Claims: auth.Claims, Expires: auth.Expires}
}
