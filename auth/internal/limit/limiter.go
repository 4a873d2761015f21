// Package limit limits how often things are used, so that nobody takes more than a share: links
// requested, wrong codes tried, requests made. A [Limiter] enforces [Rule] values, and
// [PerClient] and [PerNeighbourhood] turn a client's address into rules for the networks that
// contain it, because an attacker commands whole networks, not single addresses.
package limit

import (
	"hash/maphash"
	"sync"
	"time"
)

// maxKeys is the maximum number of keys in a limiter.
const maxKeys = 100_000

// Rule allows Max uses of Key within Every. The period begins with the first use.
type Rule struct {
	Key string
	// Max is the number of uses. Zero allows none, a negative number any.
	Max   int
	Every time.Duration
	// Paced returns each use separately, after an equal part of Every, so that the key is never
	// exhausted for longer than a single use takes.
	Paced bool
	// Common marks a rule that counts everybody's uses. It is never dropped to make room.
	Common bool
}

// window counts the uses of a key.
type window struct {
	used    int
	ends    time.Time // when all uses have expired
	refused bool      // since the last use
	common  bool
}

// wait returns how long a rule stays exhausted.
func (r Rule) wait(w *window, now time.Time) time.Duration {
	switch {
	case r.Max == 0:
		return r.Every
	case r.Max < 0 || w == nil || !now.Before(w.ends):
		return 0
	case r.Paced:
		return max(0, w.ends.Sub(now)-r.Every+r.Every/time.Duration(r.Max))
	case w.used < r.Max:
		return 0
	}
	return w.ends.Sub(now)
}

// Limiter counts uses in memory. A restart forgets them, but no outsider can cause one. Its
// methods may be called from any goroutine.
type Limiter struct {
	now  func() time.Time
	seed maphash.Seed // keys contain text from strangers, so only their hashes are kept

	mu      sync.Mutex // guards the following field
	windows map[uint64]*window
}

// New returns a limiter that reads the time from now.
func New(now func() time.Time) *Limiter {
	return &Limiter{now: now, seed: maphash.MakeSeed(), windows: map[uint64]*window{}}
}

// Take uses every rule once, or none of them if one is exhausted: then wait is how long it stays
// so, and first reports whether this is its first refusal since its last use.
func (l *Limiter) Take(rules ...Rule) (wait time.Duration, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if wait, first = l.check(now, rules); wait > 0 {
		return wait, first
	}
	for _, r := range rules {
		l.use(r, now)
	}
	return 0, false
}

// Wait returns how long one of the rules stays exhausted, without using any. It is otherwise like
// [Limiter.Take].
func (l *Limiter) Wait(rules ...Rule) (wait time.Duration, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.check(l.now(), rules)
}

// Count uses every rule that is not exhausted, whether or not others are.
func (l *Limiter) Count(rules ...Rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range rules {
		if now := l.now(); r.wait(l.windows[l.hash(r.Key)], now) == 0 {
			l.use(r, now)
		}
	}
}

// Len returns the number of keys in the limiter.
func (l *Limiter) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.windows)
}

func (l *Limiter) check(now time.Time, rules []Rule) (wait time.Duration, first bool) {
	for _, r := range rules {
		w := l.windows[l.hash(r.Key)]
		left := r.wait(w, now)
		if left == 0 {
			continue
		}
		if left > wait {
			wait, first = left, w != nil && !w.refused
		}
		if w != nil {
			w.refused = true
		}
	}
	return wait, first
}

func (l *Limiter) hash(key string) uint64 { return maphash.String(l.seed, key) }

func (l *Limiter) use(r Rule, now time.Time) {
	if r.Max < 0 {
		return
	}
	key := l.hash(r.Key)
	w := l.windows[key]
	if w == nil || !now.Before(w.ends) {
		l.makeRoom(now)
		w = &window{ends: now, common: r.Common}
		if !r.Paced {
			w.ends = now.Add(r.Every)
		}
		l.windows[key] = w
	}
	if r.Paced {
		w.ends = w.ends.Add(r.Every / time.Duration(r.Max))
	}
	w.used++
	w.refused = false
}

// makeRoom drops expired keys and, if that is not enough, any keys but common ones: an attacker
// with that many networks is stopped by the common rules, not by counting networks.
func (l *Limiter) makeRoom(now time.Time) {
	if len(l.windows) < maxKeys {
		return
	}
	for key, w := range l.windows {
		if !now.Before(w.ends) {
			delete(l.windows, key)
		}
	}
	for key, w := range l.windows {
		if len(l.windows) < maxKeys*9/10 {
			return
		}
		if !w.common {
			delete(l.windows, key)
		}
	}
}
