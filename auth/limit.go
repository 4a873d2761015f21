package auth

import (
	"cmp"
	"hash/maphash"
	"math"
	"strconv"
	"sync"
	"time"
)

// Limits bound how often things may be asked for. Zero means the default, a
// negative number no limit. Whoever is over a limit gets status 429 with
// Retry-After, the same for known and unknown addresses.
type Limits struct {
	// MailsPerAddress bounds the links that one client has mailed to one address in 15
	// minutes, default 3, and MailsPerAddressDaily those in a day, default 10, which are
	// paid back one by one, every 2.4 hours. A client is a /24 here, or in IPv6 a /48.
	// All clients together get three times that. Beyond that nothing is mailed, though
	// the answers stay the same, except to clients in a network where the owner of the
	// address has a session. A browser in which somebody has signed in to the address
	// before has the same numbers for itself, and all such browsers together three times
	// that: what strangers ask for does not count, nor does MailsPerHour if the account
	// is approved.
	MailsPerAddress, MailsPerAddressDaily int
	// MailsPerIP bounds the links that one client asks for in 15 minutes, default 20. In
	// IPv6 a client is a /64; its /56 gets twice as many, and its /48 three times.
	// Networks of many clients, a /24 (three times as many), and a /16 or in IPv6 a /32
	// (eight times, or an eighth of MailsPerHour), are limited too: beyond that only
	// approved accounts are mailed there, though the answers stay the same.
	MailsPerIP int
	// MailsPerHour bounds all links that are mailed, default 1000. Half of them are
	// reserved for approved accounts. When the other half is used up, strangers get no
	// mail, though the answers stay the same.
	MailsPerHour int
	// FailuresPerIP bounds the wrong links, codes and tokens that one client
	// tries in 15 minutes, default 100, and how many of its requests that were
	// forbidden are recorded in the audit log. A client is what it is for MailsPerIP.
	FailuresPerIP int
	// RequestsPerMinute bounds the requests of one subject that
	// [Service.Middleware] lets through. The default is no limit.
	RequestsPerMinute int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		MailsPerAddress:      cmp.Or(l.MailsPerAddress, 3),
		MailsPerAddressDaily: cmp.Or(l.MailsPerAddressDaily, 10),
		MailsPerIP:           cmp.Or(l.MailsPerIP, 20),
		MailsPerHour:         cmp.Or(l.MailsPerHour, 1000),
		FailuresPerIP:        cmp.Or(l.FailuresPerIP, 100),
		RequestsPerMinute:    cmp.Or(l.RequestsPerMinute, -1),
	}
}

const (
	shortWindow = 15 * time.Minute
	day         = 24 * time.Hour
	limiterSize = 100_000 // keys that a limiter remembers
)

// rule allows a number of uses of a key in a time. The time begins with the first use;
// of a paced rule every use is paid back by itself, so that the key is never used up
// for longer than one use takes.
type rule struct {
	key    string
	limit  int // negative: no limit
	every  time.Duration
	paced  bool
	common bool // it counts everybody's uses, and is never forgotten for lack of room
}

// window is how often a key was used.
type window struct {
	used    int
	ends    time.Time // when nothing is used any more
	refused bool      // since it was used last
	common  bool
}

// wait is how long a rule stays used up.
func (r rule) wait(w *window, now time.Time) time.Duration {
	switch {
	case r.limit == 0:
		return r.every
	case r.limit < 0 || w == nil || !now.Before(w.ends):
		return 0
	case r.paced:
		return max(0, w.ends.Sub(now)-r.every+r.every/time.Duration(r.limit))
	case w.used < r.limit:
		return 0
	}
	return w.ends.Sub(now)
}

// limiter counts in memory: a restart forgets, which nobody outside can cause.
type limiter struct {
	now  func() time.Time
	seed maphash.Seed // keys hold what strangers send, so only their hashes are kept

	mu      sync.Mutex // guards the following field
	windows map[uint64]*window
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, seed: maphash.MakeSeed(), windows: map[uint64]*window{}}
}

// take uses every rule once, or none if one of them is used up: then wait is how
// long it stays so, and first tells that this was the first refusal.
func (l *limiter) take(rules ...rule) (wait time.Duration, first bool) {
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

// left is how long one of the rules stays used up; it uses nothing.
func (l *limiter) left(rules ...rule) (wait time.Duration, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.check(l.now(), rules)
}

// count uses every rule, also those that are used up.
func (l *limiter) count(rules ...rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range rules {
		if now := l.now(); r.wait(l.windows[l.hash(r.key)], now) == 0 {
			l.use(r, now)
		}
	}
}

func (l *limiter) check(now time.Time, rules []rule) (wait time.Duration, first bool) {
	for _, r := range rules {
		w := l.windows[l.hash(r.key)]
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

func (l *limiter) hash(key string) uint64 { return maphash.String(l.seed, key) }

func (l *limiter) use(r rule, now time.Time) {
	if r.limit < 0 {
		return
	}
	key := l.hash(r.key)
	w := l.windows[key]
	if w == nil || !now.Before(w.ends) {
		l.makeRoom(now)
		w = &window{ends: now, common: r.common}
		if !r.paced {
			w.ends = now.Add(r.every)
		}
		l.windows[key] = w
	}
	if r.paced {
		w.ends = w.ends.Add(r.every / time.Duration(r.limit))
	}
	w.used++
	w.refused = false
}

// makeRoom forgets what is over and then, if that is not enough, anything but what
// counts everybody's uses: an attacker with that many networks is not stopped by
// counting them, but by the latter.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.windows) < limiterSize {
		return
	}
	for key, w := range l.windows {
		if !now.Before(w.ends) {
			delete(l.windows, key)
		}
	}
	for key, w := range l.windows {
		if len(l.windows) < limiterSize*9/10 {
			return
		}
		if !w.common {
			delete(l.windows, key)
		}
	}
}

func (s *Service) failureRules(r *request) []rule {
	return perSubnet("failures", r.ip, s.opts.Limits.FailuresPerIP, shortWindow)
}

// denialRules bound the refusals of a client that are recorded. They lock nobody out:
// a foreign page can have a visitor's browser cause them.
func (s *Service) denialRules(r *request) []rule {
	return perSubnet("denials", r.ip, s.opts.Limits.FailuresPerIP, shortWindow)
}

// failuresLeft refuses a client that guessed too often.
func (s *Service) failuresLeft(r *request) error { return limited(s.limits.left(s.failureRules(r)...)) }

func (s *Service) countFailure(r *request) { s.limits.count(s.failureRules(r)...) }

func limited(wait time.Duration, first bool) error {
	if wait == 0 {
		return nil
	}
	return &Error{Status: 429, Code: "rate_limited", Description: "Too many requests. Please try again later.", RetryAfter: wait, repeated: !first}
}

// seconds is a duration as Retry-After has it: rounded up.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }
