package test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lumenize/lmz"
)

// Attacks on what users share: the sign-in limits, and a line with little bandwidth.

// members are accounts whose owners sign in while the attack lasts.
const members = 40

var networkFlood = attack{
	name: "sign-in mails",
	sent: "1,060 requests for sign-in mails from one IPv6 /56, each from a /64 of its own, to addresses of nobody",
	prepare: func(_ context.Context, s *siege) {
		for i := range members {
			s.gateway.token(fmt.Sprintf("member%d@example.com", i))
		}
	},
	run: func(ctx context.Context, s *siege) {
		paced(ctx, 1060, 200, func(i int) error {
			err := askLink(ctx, s.gateway.url(), fmt.Sprintf("2001:db8:0:%x::1", i%256), fmt.Sprintf("nobody%d@example.org", i))
			if err != nil {
				s.loot.add(err.Error())
			} else {
				s.loot.add("ok")
			}
			return nil
		})
	},
	probes: func(s *siege) []probe {
		var n atomic.Int64
		return []probe{{"a member's sign-in mail", *attackFor / 20, func(ctx context.Context) error {
			i := n.Add(1)
			return askLink(ctx, s.gateway.url(), fmt.Sprintf("203.0.113.%d", i), fmt.Sprintf("member%d@example.com", i%members))
		}}}
	},
}

var slowReader = attack{
	name:   "slow reader",
	sent:   "a text of 60 KB replaced 30 times a second, in a document that is shared with somebody on a line of 1.2 MB/s",
	perSec: 1_200_000,
	slack:  500 * time.Millisecond, // already on the line: 128 KiB, and an edit
	run: func(ctx context.Context, s *siege) {
		s.keep(ctx, "types", manners{}, func(ctx context.Context, t *rogue) bool {
			if _, err := t.call(ctx, document("shared"), lmz.Ctn("subscribe")); err != nil {
				return false
			}
			return paced(ctx, 1800, 30, func(i int) error {
				if !t.alive() {
					return context.Canceled
				}
				return t.send(document("shared"), encoded(lmz.Ctn("update", strings.Repeat(string(rune('a'+i%26)), 60<<10))))
			})
		})
	},
	after: func(s *siege) string {
		if err := s.honest.look(context.Background(), s.honest.shared); err != nil {
			return "FAULT: " + err.Error()
		}
		return fmt.Sprintf("%d calls of the document were dropped, and the honest user was told", s.honest.missed.Load())
	},
}

// restart restarts the gateway at another port, with another honest user.
func (s *siege) restart() {
	s.honest.peer.Close()
	s.gateway.stop()
	s.begin(s.gateway.data)
	s.honest = startHonest(s.t, s.gateway.url(), s.gateway.token("ann@example.com"), 0)
}
