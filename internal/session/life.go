package session

import (
	"time"

	"github.com/lumenize/lmz/internal/proto"
)

// State is the state of a client's connection to the gateway.
type State int

// The states of a client. It starts as Disconnected.
const (
	Disconnected State = iota // not connected and not trying
	Connecting                // trying for the first time
	Connected                 // the gateway has welcomed it
	Reconnecting              // was connected, or failed to, and tries again
)

// String returns the state in lower case, as shown to people.
func (s State) String() string {
	return [...]string{"disconnected", "connecting", "connected", "reconnecting"}[s]
}

// Timing of a client (PROTOCOL.md, "Close codes" and "Heartbeat").
const (
	AckDelay       = 200 * time.Millisecond // how long an acknowledgement waits to be piggybacked
	answerDeadline = 10 * time.Second       // for a welcome or a pong
	probeDeadline  = 3 * time.Second        // for the pong of a probe
	renewBefore    = 30 * time.Second       // its expiry a token is replaced
	renewRetry     = 5 * time.Second        // after a failed renewal
	longer         = time.Second            // a token whose expiry differs by less is the same one
)

// Loss says why a link or a dial failed: a close code, or the HTTP status of a refused
// upgrade where the platform shows it, or neither.
type Loss struct {
	Code   int
	Status int
	Reason string
	After  time.Duration // when to reconnect, if the other side said so
}

// Life is a client's connection over time: when to ask for a token, dial, wait, and stop
// trying. It is not safe for concurrent use.
type Life struct {
	// Heartbeat is how often to ping an idle link; 0 means never. The gateway's welcome may set
	// it.
	Heartbeat time.Duration

	// Blind says that the platform hides why a dial failed, as browsers do. A failure may then
	// mean a refused token, so another one is requested after the second, fourth, eighth, … .
	Blind bool

	random   func() float64 // in [0, 1), for the jitter
	state    State
	link     uint64 // the current dial or link; 0 when there is none
	links    uint64 // number of dials so far
	failures int    // dials that failed since the link was last good
	slow     int    // of failures, those after the quick period
	good     time.Time
	refused  bool          // the next token must differ
	reauthed bool          // one such token was tried since the link was last good
	pinged   bool          // a ping waits for its pong
	probing  bool          // with the shorter deadline of a probe
	expires  time.Time     // of the current token; zero if unknown
	advice   time.Duration // the gateway's, when to reconnect
	taken    string        // why the gateway ended the last link with CloseTokenExpired; "" if by expiry

	effects []LifeEffect
}

// NewLife returns a life that has not begun. random returns numbers in [0, 1).
func NewLife(random func() float64) *Life { return &Life{random: random} }

// State returns the current state.
func (l *Life) State() State { return l.state }

// Link returns the number of the current dial or link, or 0.
func (l *Life) Link() uint64 { return l.link }

func (l *Life) take() []LifeEffect {
	effects := l.effects
	l.effects = nil
	return effects
}

// do is not inlined: a browser would load its code thirty times.
//
//go:noinline
func (l *Life) do(e LifeEffect) { l.effects = append(l.effects, e) }

func (l *Life) become(s State) {
	if l.state != s {
		l.state = s
		l.do(StateChanged{State: s})
	}
}

// Connect begins the life, or dials at once if it is waiting for the next attempt. Otherwise
// it does nothing.
func (l *Life) Connect(now time.Time) []LifeEffect {
	switch l.state {
	case Disconnected:
		l.failures, l.slow, l.reauthed, l.refused, l.good, l.taken = 0, 0, false, false, now, ""
		l.become(Connecting)
		l.attempt()
	case Connecting, Reconnecting:
		if l.link == 0 {
			l.attempt()
		}
	}
	return l.take()
}

// attempt requests a token for a new dial.
func (l *Life) attempt() {
	l.links++
	l.link = l.links
	l.do(Wait{Delay: -1})
	l.do(GetToken{Link: l.link, Refused: l.refused})
}

// Token reports that the token for dial link is available, and when it expires, if known.
func (l *Life) Token(link uint64, expires time.Time) []LifeEffect {
	if link == l.link {
		l.expires, l.refused = expires, false
		l.do(Dial{Link: link})
		l.do(Wait{Delay: answerDeadline})
	}
	return l.take()
}

// TokenFailed reports that there is no token for dial link: because the user must sign in,
// with the code that says so, or with code 0 for a reason that may pass.
func (l *Life) TokenFailed(now time.Time, link uint64, code int, reason string) []LifeEffect {
	if link != l.link {
		return nil
	}
	if code != 0 {
		l.loginRequired(code, reason)
	} else {
		l.retry(now)
	}
	return l.take()
}

// TokenUnusable reports that the token for dial link is invalid, which is a fault of the
// program: asking again would not help.
func (l *Life) TokenUnusable(link uint64, reason string) []LifeEffect {
	if link != l.link {
		return nil
	}
	l.do(GiveUp{Reason: reason})
	l.stop()
	return l.take()
}

// Welcomed reports that the gateway has welcomed the client on link, and how long the token
// is valid; 0 if it did not say.
func (l *Life) Welcomed(now time.Time, link uint64, left time.Duration) []LifeEffect {
	if link != l.link {
		return nil
	}
	l.failures, l.slow, l.reauthed, l.pinged, l.advice, l.taken = 0, 0, false, false, 0, ""
	l.become(Connected)
	l.beat(l.Heartbeat)
	if left > 0 { // the gateway decides
		l.expires = now.Add(left)
	}
	if !l.expires.IsZero() {
		l.do(WaitRenew{Delay: max(l.expires.Sub(now)-renewBefore, 0)})
	}
	return l.take()
}

// RenewDue is the event that [WaitRenew] schedules.
func (l *Life) RenewDue() []LifeEffect {
	if l.state == Connected {
		l.do(RenewToken{Link: l.link})
	}
	return l.take()
}

// Renewed reports that the next token was written on link, or that the gateway has accepted
// it, and when it expires, if known. A token that does not last longer has no effect: the
// gateway will close the link, and a new dial asks again.
func (l *Life) Renewed(now time.Time, link uint64, expires time.Time) []LifeEffect {
	if link != l.link || expires.Sub(l.expires) < longer {
		return nil
	}
	l.expires = expires
	l.do(WaitRenew{Delay: max(expires.Sub(now)-renewBefore, renewRetry)})
	return l.take()
}

// RenewFailed reports that there is no next token: because the user must sign in, with the
// code that says so, or with code 0 for a reason that may pass.
func (l *Life) RenewFailed(link uint64, code int, reason string) []LifeEffect {
	switch {
	case link != l.link:
	case code != 0:
		l.do(Hangup{Link: l.link, Code: proto.CloseNormal, Reason: "signed out"})
		l.loginRequired(code, reason)
	default:
		l.do(WaitRenew{Delay: renewRetry})
	}
	return l.take()
}

// Away is the gateway's advice on link to wait before reconnecting.
func (l *Life) Away(link uint64, after time.Duration) {
	if link == l.link {
		l.advice = min(after, slowCeiling)
	}
}

// Probe checks now whether the link is still good, because the machine may have slept or
// changed its network: a link that does not answer soon is abandoned. If the life is waiting
// for its next attempt, it dials at once.
func (l *Life) Probe() []LifeEffect {
	switch {
	case l.state == Disconnected:
	case l.link == 0:
		l.attempt()
	case l.state == Connected && !(l.pinged && l.probing): // the first probe sets the deadline
		l.pinged, l.probing = true, true
		l.do(SendPing{})
		l.do(Wait{Delay: probeDeadline})
	}
	return l.take()
}

// Suspend abandons the link without a goodbye, and does nothing until Probe or Connect.
func (l *Life) Suspend(now time.Time) []LifeEffect {
	if l.state == Disconnected {
		return nil
	}
	if l.link != 0 {
		l.do(Hangup{Link: l.link, Code: proto.CloseBroken, Reason: "suspended"})
	}
	if l.state == Connected {
		l.good = now
	}
	l.link, l.pinged = 0, false
	l.do(WaitRenew{Delay: -1})
	l.do(Wait{Delay: -1})
	l.become(Reconnecting)
	return l.take()
}

func (l *Life) beat(after time.Duration) {
	if l.Heartbeat <= 0 {
		after = -1
	}
	l.do(Wait{Delay: after})
}

// Pong reports the answer to a ping on link.
func (l *Life) Pong(link uint64) []LifeEffect {
	if link != l.link || !l.pinged {
		return nil
	}
	l.pinged = false
	l.beat(l.Heartbeat)
	return l.take()
}

// Timer is the event that [Wait] schedules.
func (l *Life) Timer(now time.Time) []LifeEffect {
	switch {
	case l.state == Disconnected:
	case l.link == 0:
		l.attempt()
	case l.state == Connected && !l.pinged:
		l.pinged, l.probing = true, false
		l.do(SendPing{})
		l.beat(answerDeadline)
	default: // no welcome, or no pong
		l.do(Hangup{Link: l.link, Code: proto.CloseTimeout, Reason: "no answer in time"})
		l.lost(now, Loss{})
	}
	return l.take()
}

// Lost reports that dial or link link failed.
func (l *Life) Lost(now time.Time, link uint64, why Loss) []LifeEffect {
	if link == l.link && l.state != Disconnected {
		l.lost(now, why)
	}
	return l.take()
}

func (l *Life) lost(now time.Time, why Loss) {
	if l.state == Connected {
		l.good = now
	}
	l.advice = max(l.advice, min(why.After, slowCeiling))
	switch {
	case why.Code == proto.CloseSuperseded:
		l.stop()
		l.do(Superseded{})
	case why.Code == proto.CloseNoToken, why.Code == proto.CloseRefused:
		l.loginRequired(why.Code, why.Reason)
	case why.Status == 403, why.Status == 401 && l.reauthed:
		l.loginRequired(why.Status, why.Reason)
	case why.Status == 401, why.Code == proto.CloseTokenExpired && !l.reauthed:
		// once per cycle another token is tried at once
		if why.Code == proto.CloseTokenExpired && why.Reason != proto.ReasonExpired {
			l.taken = why.Reason
		}
		l.reauthed, l.refused, l.pinged = true, true, false
		l.become(Reconnecting)
		l.attempt()
	default:
		if n := l.failures + 1; l.Blind && why.Code == 0 && n > 1 && n&(n-1) == 0 {
			l.reauthed, l.refused = true, true
		}
		l.retry(now)
	}
}

func (l *Life) stop() {
	l.link, l.pinged, l.advice = 0, false, 0
	l.do(WaitRenew{Delay: -1})
	l.do(Wait{Delay: -1})
	l.become(Disconnected)
}

// loginRequired ends the life. The reason the gateway gave when it ended the link is more
// specific than the lack of another token.
func (l *Life) loginRequired(code int, reason string) {
	if l.taken != "" {
		code, reason = proto.CloseTokenExpired, l.taken
	}
	l.do(LoginRequired{Code: code, Reason: reason})
	l.stop()
}

// Close ends the life at the user's request.
func (l *Life) Close() []LifeEffect {
	if l.link != 0 {
		l.do(Hangup{Link: l.link, Code: proto.CloseNormal, Reason: "Client disconnect"})
	}
	l.stop()
	return l.take()
}
