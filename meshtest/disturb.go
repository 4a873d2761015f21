package meshtest

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Disturb injects faults for the duration d, one at a time, and returns when everything works
// again. Clients are cut off for up to 8 s, have half-open, slow, duplicate and reordered
// connections, and tokens that expire; the gateway is killed or stopped, and restarted. Call it
// while other goroutines use the mesh, after creating the clients. The same seed injects the same
// faults into the same clients at the same times. The frame log of a failed test shows them.
func (m *Mesh) Disturb(seed uint64, d time.Duration) {
	m.t.Helper()
	m.mu.Lock()
	clients := append([]*Client(nil), m.clients...)
	m.mu.Unlock()
	m.log.add(fmt.Sprintf("disturbed for %v with seed %d", d, seed))
	r := rand.New(rand.NewPCG(seed, 2))
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Duration(r.Int64N(int64(2 * time.Second))))
		if len(clients) == 0 || r.IntN(8) == 0 {
			m.disturbGateway(r)
		} else {
			clients[r.IntN(len(clients))].disturb(r)
		}
	}
	for _, c := range clients {
		c.Heal()
		c.Delay(0)
	}
	m.log.add("the disturbances are over")
}

func (m *Mesh) disturbGateway(r *rand.Rand) {
	if r.IntN(3) > 0 {
		m.CrashGateway()
		time.Sleep(time.Duration(r.Int64N(int64(8 * time.Second))))
	}
	m.RestartGateway()
}

// disturb injects one fault.
func (c *Client) disturb(r *rand.Rand) {
	lasts := time.Duration(r.Int64N(int64(8*time.Second))) + 1
	switch r.IntN(6) {
	case 0:
		c.Cut()
		time.Sleep(lasts)
		c.Heal()
	case 1:
		c.Stall()
	case 2:
		c.Delay(lasts / 40)
		time.Sleep(lasts)
		c.Delay(0)
	case 3:
		c.DuplicateDial(10*time.Second + lasts/4)
		c.Cut()
		time.Sleep(time.Millisecond)
		c.Heal()
	case 4:
		c.Reorder(lasts)
	case 5:
		c.ExpireToken(10*time.Second + lasts) // longer than any dial takes
	}
}
