package session

import (
	"testing"
	"time"

	"github.com/lumenize/lmz/internal/proto"
)

func TestAProbeFindsADeadLinkSoon(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.connect()
	lt.do(lt.life.Probe())
	if lt.did["session.SendPing"] != 1 || lt.timer != probeDeadline {
		t.Fatalf("pings %d, timer %v", lt.did["session.SendPing"], lt.timer)
	}
	lt.do(lt.life.Pong(lt.life.Link()))
	if lt.timer != 30*time.Second {
		t.Errorf("after the pong the next beat is in %v", lt.timer)
	}
	lt.do(lt.life.Probe())
	pings := lt.did["session.SendPing"]
	lt.timer = -5
	lt.do(lt.life.Probe()) // events come in bursts
	if lt.did["session.SendPing"] != pings || lt.timer != -5 {
		t.Error("another probe puts the deadline of the first off")
	}
	lt.timer = probeDeadline
	lt.tick()
	lt.is(Reconnecting)
	if lt.did["session.Hangup"] != 1 || lt.timer > quickCeiling {
		t.Errorf("hangups %d, next dial in %v", lt.did["session.Hangup"], lt.timer)
	}
	lt.do(lt.life.Probe())
	if lt.life.Link() == 0 || lt.timer >= 0 {
		t.Error("a probe did not dial at once")
	}
	tokens := lt.did["session.GetToken"]
	lt.do(lt.life.Probe()) // while it dials
	if lt.did["session.GetToken"] != tokens {
		t.Error("two dials at once")
	}
}

func TestAProbeWorksWithoutAHeartbeat(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.life.Heartbeat = 0
	lt.connect()
	lt.do(lt.life.Probe())
	if lt.timer != probeDeadline {
		t.Fatalf("timer %v", lt.timer)
	}
	lt.do(lt.life.Pong(lt.life.Link()))
	if lt.timer >= 0 {
		t.Errorf("a beat in %v", lt.timer)
	}
}

func TestASuspendedLifeSleepsUntilItIsWoken(t *testing.T) {
	lt := newLifeTest(t, 0.5)
	lt.do(lt.life.Suspend(lt.now))
	lt.do(lt.life.Probe())
	lt.is(Disconnected)
	lt.connect()
	lt.do(lt.life.Suspend(lt.now))
	lt.is(Reconnecting)
	if e, _ := lt.last.(Hangup); e.Code != proto.CloseBroken || lt.timer >= 0 || lt.renew >= 0 || lt.life.Link() != 0 {
		t.Errorf("%+v, timer %v, renewal %v", lt.last, lt.timer, lt.renew)
	}
	lt.do(lt.life.Suspend(lt.now))
	lt.do(lt.life.Probe())
	lt.dial()
	lt.welcome()
	lt.is(Connected)
}
