package session

import "time"

// How long a client waits before it dials again (PROTOCOL.md, "Close codes").
const (
	quickCeiling = time.Second      // of the delay while the link was good recently
	quickPeriod  = 10 * time.Second // how long "recently" is
	slowCeiling  = 30 * time.Second // of the delay after that, reached by doubling
)

// retry waits with full jitter: up to a second during the first ten seconds, then up to a
// ceiling that doubles to 30 s.
func (l *Life) retry(now time.Time) {
	l.failures++
	l.link, l.pinged = 0, false
	ceiling := quickCeiling
	if now.Sub(l.good) >= quickPeriod {
		l.slow = min(l.slow+1, 5) // 2^5 s is beyond the ceiling
		ceiling = min(quickCeiling<<l.slow, slowCeiling)
	}
	l.become(Reconnecting)
	l.do(WaitRenew{Delay: -1})
	l.do(Wait{Delay: l.advice + time.Duration(l.random()*float64(ceiling))})
	l.advice = 0
}
