package auth

import (
	"cmp"
	"math"
	"strconv"
	"sync"
	"time"
)

// Limits bound how often things may be asked for. Zero means the default, a
// negative number no limit. Whoever is over a limit gets status 429 with
// Retry-After, the same for known and unknown addresses.
type Limits struct {
	// MailsPerAddress bounds the links that one client has mailed to one address in
	// 15 minutes, default 3, and MailsPerAddressDaily those in a day, default 10.
	// All clients together get three times that, so that one of them cannot keep the
	// owner of an address out. A browser in which somebody has signed in to the
	// address before is limited by these two alone, and no other client's use counts.
	MailsPerAddress, MailsPerAddressDaily int
	// MailsPerIP bounds the links that one client asks for in 15 minutes, default
	// 20. In IPv6 a client is a /64.
	MailsPerIP int
	// MailsPerHour bounds the links that are mailed altogether, default 1000.
	MailsPerHour int
	// FailuresPerIP bounds the wrong links, codes and tokens that one client
	// tries in 15 minutes, default 100, and how many of its requests that were
	// forbidden are recorded in the audit log.
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
	limiterSize = 100_000 // keys that a limiter remembers
)

// rule allows a number of uses of a key in a time that begins with the first.
type rule struct {
	key   string
	limit int
	every time.Duration
}

// window is how often a key was used since it began.
type window struct {
	used int
	ends time.Time
}

// limiter counts in memory: a restart forgets, which nobody outside can cause.
type limiter struct {
	now func() time.Time

	mu      sync.Mutex // guards the following field
	windows map[string]*window
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, windows: map[string]*window{}}
}

// take uses every rule once, or none if one of them is used up: then wait is how
// long it stays so, and first tells that this was the first refusal.
func (l *limiter) take(rules ...rule) (wait time.Duration, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, r := range rules {
		w := l.windows[r.key]
		if r.limit < 0 || w == nil || !now.Before(w.ends) || w.used < r.limit {
			continue
		}
		if w.ends.Sub(now) > wait {
			wait, first = w.ends.Sub(now), w.used == r.limit
		}
		w.used = r.limit + 1
	}
	if wait > 0 {
		return wait, first
	}
	for _, r := range rules {
		l.use(r, now)
	}
	return 0, false
}

// left is how long a rule stays used up; it uses nothing.
func (l *limiter) left(r rule) (wait time.Duration, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.windows[r.key]
	if now := l.now(); r.limit >= 0 && w != nil && now.Before(w.ends) && w.used >= r.limit {
		first = w.used == r.limit
		w.used = r.limit + 1
		return w.ends.Sub(now), first
	}
	return 0, false
}

func (l *limiter) use(r rule, now time.Time) {
	w := l.windows[r.key]
	if w == nil || !now.Before(w.ends) {
		l.makeRoom(now)
		w = &window{ends: now.Add(r.every)}
		l.windows[r.key] = w
	}
	w.used++
}

// makeRoom forgets what is over and then, if that is not enough, anything: an
// attacker with that many addresses is not stopped by counting them.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.windows) < limiterSize {
		return
	}
	for key, w := range l.windows {
		if !now.Before(w.ends) {
			delete(l.windows, key)
		}
	}
	for key := range l.windows {
		if len(l.windows) < limiterSize*9/10 {
			return
		}
		delete(l.windows, key)
	}
}

// clientsPerAddress is how many clients can use up what may be mailed to one address.
const clientsPerAddress = 3

// mayMail counts a link that is to be mailed.
func (s *Service) mayMail(r *request, email string) error {
	if s.opts.AutoApprove {
		return nil
	}
	l := s.opts.Limits
	known, err := s.knownBrowser(r, email)
	if err != nil {
		return err
	}
	if known != "" {
		return limited(s.limits.take(
			rule{"browser " + known, l.MailsPerAddress, shortWindow},
			rule{"browser daily " + known, l.MailsPerAddressDaily, 24 * time.Hour},
		))
	}
	client := network(r.ip)
	return limited(s.limits.take(
		rule{"ip " + client, l.MailsPerIP, shortWindow},
		rule{"address " + email + " " + client, l.MailsPerAddress, shortWindow},
		rule{"address daily " + email + " " + client, l.MailsPerAddressDaily, 24 * time.Hour},
		rule{"address " + email, clientsPerAddress * l.MailsPerAddress, shortWindow},
		rule{"address daily " + email, clientsPerAddress * l.MailsPerAddressDaily, 24 * time.Hour},
		rule{"mails", l.MailsPerHour, time.Hour},
	))
}

func (s *Service) failureRule(r *request) rule {
	return rule{"failures " + network(r.ip), s.opts.Limits.FailuresPerIP, shortWindow}
}

// denialRule bounds the refusals of a client that are recorded. They lock nobody out:
// a foreign page can have a visitor's browser cause them.
func (s *Service) denialRule(r *request) rule {
	return rule{"denials " + network(r.ip), s.opts.Limits.FailuresPerIP, shortWindow}
}

// failuresLeft refuses a client that guessed too often.
func (s *Service) failuresLeft(r *request) error { return limited(s.limits.left(s.failureRule(r))) }

func (s *Service) countFailure(r *request) { s.limits.take(s.failureRule(r)) }

func limited(wait time.Duration, first bool) error {
	if wait == 0 {
		return nil
	}
	return &Error{Status: 429, Code: "rate_limited", Description: "Too many requests. Please try again later.", RetryAfter: wait, repeated: !first}
}

// seconds is a duration as Retry-After has it: rounded up.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }
