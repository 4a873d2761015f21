package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/lumenize/lmz/internal/proto"
)

// lifeTest drives a life with its own clock.
type lifeTest struct {
	t       *testing.T
	life    *Life
	now     time.Time
	timer   time.Duration  // of the last Wait; negative means none
	renew   time.Duration  // of the last WaitRenew
	expires time.Time      // of the tokens
	did     map[string]int // effects by type
	last    LifeEffect     // the last effect other than Wait
	states  []State
}

func newLifeTest(t *testing.T, jitter float64) *lifeTest {
	lt := &lifeTest{t: t, now: time.Unix(1000, 0), did: make(map[string]int), timer: -1}
	lt.life = NewLife(func() float64 { return jitter })
	lt.life.Heartbeat = 30 * time.Second
	return lt
}

func (lt *lifeTest) do(effects []LifeEffect) {
	for _, e := range effects {
		lt.did[fmt.Sprintf("%T", e)]++
		switch e := e.(type) {
		case Wait:
			lt.timer = e.Delay
		case WaitRenew:
			lt.renew = e.Delay
		case StateChanged:
			lt.states = append(lt.states, e.State)
		default:
			lt.last = e
		}
	}
}

// tick fires the timer and returns its delay.
func (lt *lifeTest) tick() time.Duration {
	d := lt.timer
	if d < 0 {
		lt.t.Fatal("no timer is set")
	}
	lt.timer = -1
	lt.now = lt.now.Add(d)
	lt.do(lt.life.Timer(lt.now))
	return d
}

// askedForAnother reports whether an effect requests a token to replace a refused one.
func askedForAnother(e LifeEffect) bool {
	get, ok := e.(GetToken)
	return ok && get.Refused
}

func (lt *lifeTest) dial()         { lt.do(lt.life.Token(lt.life.Link(), lt.expires)) }
func (lt *lifeTest) welcome()      { lt.do(lt.life.Welcomed(lt.now, lt.life.Link(), 0)) }
func (lt *lifeTest) lose(why Loss) { lt.do(lt.life.Lost(lt.now, lt.life.Link(), why)) }
func (lt *lifeTest) connect()      { lt.do(lt.life.Connect(lt.now)); lt.dial(); lt.welcome() }
func (lt *lifeTest) is(want State) {
	lt.t.Helper()
	if got := lt.life.State(); got != want {
		lt.t.Errorf("state %s, want %s", got, want)
	}
}

func TestDelaysOfReconnecting(t *testing.T) {
	lt := newLifeTest(t, 0.999)
	lt.connect()
	lt.lose(Loss{})
	good := lt.now
	var slow []time.Duration
	for range 40 {
		quick := lt.now.Sub(good) < 10*time.Second
		d := lt.tick()
		if quick && d > time.Second {
			t.Fatalf("%v after the link was good: a delay of %v", lt.now.Sub(good), d)
		}
		if !quick {
			slow = append(slow, d.Round(time.Second))
		}
		lt.dial()
		lt.lose(Loss{})
	}
	want := []time.Duration{2, 4, 8, 16, 30, 30}
	for i, w := range want {
		if slow[i] != w*time.Second {
			t.Fatalf("ceilings after ten seconds: got %v, want %v s", slow[:len(want)], want)
		}
	}
}

func TestSupersededAndRefusedClientsStop(t *testing.T) {
	for code, want := range map[int]string{
		proto.CloseSuperseded: "session.Superseded", proto.CloseNoToken: "session.LoginRequired",
		proto.CloseRefused: "session.LoginRequired",
	} {
		lt := newLifeTest(t, 0.5)
		lt.connect()
		lt.lose(Loss{Code: code})
		lt.is(Disconnected)
		if lt.did[want] != 1 || lt.timer >= 0 {
			t.Errorf("%d: effects %v, timer %v", code, lt.did, lt.timer)
		}
	}
}

func TestOnlyADefiniteRefusalMeansLoginRequired(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.connect()
	for range 100 {
		lt.lose(Loss{})
		lt.tick()
		lt.do(lt.life.TokenFailed(lt.now, lt.life.Link(), 0, "network down"))
		lt.tick()
		lt.dial()
	}
	lt.lose(Loss{Status: 503})
	lt.is(Reconnecting)
	if lt.did["session.LoginRequired"] != 0 {
		t.Error("a network failure meant login required")
	}
	lt.tick()
	lt.dial()
	lt.lose(Loss{Status: 403})
	lt.is(Disconnected)
}

func TestARefusedTokenIsReplacedOnce(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.connect()
	lt.lose(Loss{})
	lt.tick()
	lt.dial()
	lt.lose(Loss{Status: 401})
	if !askedForAnother(lt.last) {
		t.Fatalf("after a 401: %+v, want another token at once", lt.last)
	}
	lt.dial()
	lt.lose(Loss{Status: 401})
	lt.is(Disconnected)
	if lt.did["session.LoginRequired"] != 1 {
		t.Errorf("effects %v", lt.did)
	}
}

func TestAnotherTokenWhereStatusesAreHidden(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.life.Blind = true
	lt.connect()
	refused := 0
	for range 10 {
		lt.lose(Loss{})
		lt.tick()
		if askedForAnother(lt.last) {
			refused++
		}
		lt.dial()
	}
	if refused != 3 { // at the second, fourth and eighth failure
		t.Errorf("%d other tokens were asked for, want 3", refused)
	}
}

// TestRevocationDuringAnOutage asks for another token while there is no line, and so gets none. The
// old one may have been revoked meanwhile, which nothing tells: it must not be taken again.
func TestRevocationDuringAnOutage(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.life.Blind = true
	lt.connect()
	lt.lose(Loss{})
	lt.tick()
	lt.dial()
	lt.lose(Loss{})
	for range 3 {
		lt.tick()
		if !askedForAnother(lt.last) {
			t.Fatalf("the next token may be the old one: %+v", lt.last)
		}
		lt.do(lt.life.TokenFailed(lt.now, lt.life.Link(), 0, "no line"))
	}
	lt.tick()
	lt.dial()
	lt.lose(Loss{})
	lt.tick()
	if askedForAnother(lt.last) {
		t.Error("a token that has just come is not tried again")
	}
}

func TestAnExpiredTokenIsReplacedAtOnce(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.connect()
	lt.lose(Loss{Code: proto.CloseTokenExpired})
	if !askedForAnother(lt.last) || lt.timer >= 0 {
		t.Errorf("after 4401: %+v, timer %v", lt.last, lt.timer)
	}
	lt.is(Reconnecting)
	lt.lose(Loss{Code: proto.CloseTokenExpired}) // the next one, too: no endless retries
	if lt.timer < 0 {
		t.Errorf("after 4401 again: %+v, timer %v", lt.last, lt.timer)
	}
}

func TestASilentGatewayIsGivenUp(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.connect()
	lt.tick()
	if lt.last != (SendPing{}) {
		t.Fatalf("after the heartbeat: %+v", lt.last)
	}
	lt.do(lt.life.Pong(lt.life.Link()))
	lt.tick()
	lt.tick() // no pong this time
	if lt.did["session.Hangup"] != 1 {
		t.Errorf("effects %v", lt.did)
	}
	lt.is(Reconnecting)
}

// TestConnectNowOrNothing calls Connect in each state of a life.
func TestConnectNowOrNothing(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.connect()
	if effects := lt.life.Connect(lt.now); len(effects) > 0 {
		t.Errorf("connected: %+v", effects)
	}
	lt.lose(Loss{})
	lt.is(Reconnecting)
	effects := lt.life.Connect(lt.now)
	if len(effects) != 2 || effects[1] != (GetToken{Link: lt.life.Link()}) {
		t.Errorf("reconnecting: %+v", effects)
	}
	lt.do(effects)
	if effects := lt.life.Connect(lt.now); len(effects) > 0 {
		t.Errorf("while it dials: %+v", effects)
	}
}

func TestEventsOfAnEarlierLinkAreNotHeard(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.connect()
	old := lt.life.Link()
	lt.lose(Loss{})
	lt.tick()
	lt.dial()
	lt.do(lt.life.Welcomed(lt.now, old, 0))
	lt.is(Reconnecting)
	lt.welcome()
	lt.do(lt.life.Lost(lt.now, old, Loss{Code: proto.CloseSuperseded}))
	lt.is(Connected)
}

func TestClosedMeansClosed(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.connect()
	lt.do(lt.life.Close())
	if lt.did["session.Hangup"] != 1 {
		t.Errorf("effects %v", lt.did)
	}
	lt.lose(Loss{})
	lt.do(lt.life.Timer(lt.now))
	lt.is(Disconnected)
	if lt.timer >= 0 {
		t.Error("a timer is set")
	}
}

func TestATokenIsReplacedBeforeItExpires(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.expires = lt.now.Add(15 * time.Minute)
	lt.connect()
	if want := 15*time.Minute - renewBefore; lt.renew != want {
		t.Fatalf("renewed after %v, want %v", lt.renew, want)
	}
	lt.do(lt.life.RenewDue())
	if lt.last != (RenewToken{Link: lt.life.Link()}) {
		t.Fatalf("got %+v", lt.last)
	}
	lt.do(lt.life.RenewFailed(lt.life.Link(), 0, "network down"))
	if lt.renew != renewRetry {
		t.Errorf("tried again after %v", lt.renew)
	}
	lt.renew = -1
	lt.do(lt.life.Renewed(lt.now, lt.life.Link(), lt.expires))
	if lt.renew != -1 {
		t.Error("a token that lasts no longer is asked for again and again")
	}
	lt.do(lt.life.Renewed(lt.now, lt.life.Link(), lt.expires.Add(time.Minute)))
	if want := 16*time.Minute - renewBefore; lt.renew != want {
		t.Errorf("renewed after %v, want %v", lt.renew, want)
	}
	lt.do(lt.life.RenewFailed(lt.life.Link(), 401, "signed out"))
	lt.is(Disconnected)
}

func TestTheGatewaysAdviceIsFollowedOnce(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.connect()
	lt.life.Away(lt.life.Link(), 7*time.Second)
	lt.lose(Loss{Code: proto.CloseGoingAway})
	if lt.timer != 7500*time.Millisecond {
		t.Errorf("waits %v", lt.timer)
	}
	lt.tick()
	lt.dial()
	lt.lose(Loss{})
	if lt.timer > time.Second {
		t.Errorf("then waits %v", lt.timer)
	}
}

func TestWhatTheGatewaySaidIsTold(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.connect()
	lt.lose(Loss{Code: proto.CloseTokenExpired, Reason: "Signed out on another device"})
	lt.is(Reconnecting) // another token may be valid
	lt.do(lt.life.TokenFailed(lt.now, lt.life.Link(), 401, "the refresh token was revoked"))
	if e, _ := lt.last.(LoginRequired); e.Code != 4401 || e.Reason != "Signed out on another device" {
		t.Errorf("told %+v", e)
	}
	lt.connect()
	lt.lose(Loss{Code: proto.CloseTokenExpired, Reason: proto.ReasonExpired})
	lt.do(lt.life.TokenFailed(lt.now, lt.life.Link(), 401, "the refresh token was revoked"))
	if e, _ := lt.last.(LoginRequired); e.Code != 401 || e.Reason != "the refresh token was revoked" {
		t.Errorf("told %+v of a token that expired", e)
	}
}
