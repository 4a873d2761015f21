package gateway

import (
	"sync"
	"time"
)

// Rate is how often one subject may do something. The zero value is no limit.
type Rate struct {
	PerSecond float64 // in the long run
	Burst     int     // at once; 0 means 1
}

// limiter keeps every subject to a rate. For each it remembers when all that was
// granted will be paid off (the generic cell rate algorithm): a subject whose time is
// past is as good as one that was never here. The zero value knows no limit.
type limiter struct {
	step  time.Duration // what one grant costs
	burst time.Duration // how much may be owed

	mu    sync.Mutex
	paid  map[string]time.Time
	sweep time.Time // when those that owe nothing are forgotten
}

const sweepEvery = time.Minute

func newLimiter(r Rate) *limiter {
	if r.PerSecond <= 0 {
		return new(limiter)
	}
	step := time.Duration(float64(time.Second) / r.PerSecond)
	return &limiter{step: step, burst: step * time.Duration(max(r.Burst, 1)), paid: make(map[string]time.Time)}
}

// take grants one, and returns 0, or says how long to wait for the next one.
func (l *limiter) take(subject string, now time.Time) (wait time.Duration) {
	if l.step == 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	paid := l.paid[subject]
	if paid.Before(now) {
		paid = now
	}
	paid = paid.Add(l.step)
	if wait := paid.Sub(now) - l.burst; wait > 0 {
		return wait
	}
	l.paid[subject] = paid
	return 0
}

// forget drops the subjects that owe nothing, now and then.
func (l *limiter) forget(now time.Time) {
	if now.Before(l.sweep) {
		return
	}
	l.sweep = now.Add(sweepEvery)
	for subject, paid := range l.paid {
		if !paid.After(now) {
			delete(l.paid, subject)
		}
	}
}

// Rates for a gateway that serves people. A page that reconnects and somebody who types
// fast stay far below; a program that has gone wild does not.
var (
	PublicConnectRate = Rate{PerSecond: 0.5, Burst: 30}
	PublicCallRate    = Rate{PerSecond: 100, Burst: 500}
)
