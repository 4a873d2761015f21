package sim

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/object"
)

const (
	shelve  lmz.Method1[string, string]        = "shelve"
	shelved lmz.Method2[string, any, struct{}] = "shelved"
)

// shelf is an object that records the messages it receives.
type shelf struct {
	ledger
}

func newShelf(o *object.Object) lmz.Handler {
	s := &shelf{ledger{Object: o}}
	read.Expose(&s.Mux, lmz.Anyone, s.read)
	shelve.Expose(&s.Mux, lmz.Anyone, func(ctx context.Context, tag string) (string, error) {
		at := s.Identity().Instance
		return at, s.write(ctx, tag+"/on "+at)
	})
	return s
}

// burstParts are the messages that one turn sends to another ledger, in this order.
var burstParts = []string{"/first", "/second", "/third"}

func (l *ledger) burst(ctx context.Context, o order) error {
	for _, part := range burstParts {
		if err := l.Send(ctx, lmz.At("LEDGER", o.Other), do.Ctn(order{Op: int(opAdd), Tag: o.Tag + part})); err != nil {
			return err
		}
	}
	return nil
}

// cast sends one message to all shelves. Its tag determines whether it asks for replies.
func (l *ledger) cast(ctx context.Context, o order) error {
	var options []lmz.SendOption
	if repliesToCast(o.Tag) {
		options = append(options, lmz.Reply(lmz.Ctn(string(shelved), o.Tag, lmz.Result)))
	}
	targets := make([]lmz.Address, shelves)
	for i := range targets {
		targets[i] = lmz.At("SHELF", strconv.Itoa(i))
	}
	return l.Broadcast(ctx, targets, shelve.Ctn(o.Tag), options...)
}

func repliesToCast(tag string) bool { return tag[len(tag)-1]%2 == 0 }

// shelved handles the reply of a shelf.
func (l *ledger) shelved(ctx context.Context, tag string, by any) (struct{}, error) {
	return struct{}{}, l.write(ctx, fmt.Sprint(tag, "/reply of ", by))
}

// onShelves reads the records of the shelves.
func (v *verdict) onShelves(ctx context.Context, judge *client.Peer) {
	for i := range shelves {
		log, err := read.Call(ctx, judge, lmz.At("SHELF", strconv.Itoa(i)))
		if err != nil {
			v.add("reading shelf %d: %v", i, err)
		}
		for _, tag := range log {
			v.counts[tag]++
		}
	}
}

// spread is the oracle that all messages of a turn that is on disk arrive once, in order where
// they go to one object, and that all replies come.
func (v *verdict) spread(c *call) {
	if v.counts[c.tag] == 0 {
		return
	}
	switch c.op {
	case opBurst:
		log, last := v.logs[(c.to+1)%ledgers], -1
		for _, part := range burstParts {
			at := slices.Index(log, c.tag+part)
			if n := v.counts[c.tag+part]; n != 1 || at < last {
				v.add("what %s sent came out of order or not once: %s %d times", c.tag, part, n)
			}
			last = at
		}
	case opCast:
		for i := range shelves {
			if n := v.counts[fmt.Sprint(c.tag, "/on ", i)]; n != 1 {
				v.add("%s was put on shelf %d %d times", c.tag, i, n)
			}
			if n := v.counts[fmt.Sprint(c.tag, "/reply of ", i)]; n != 1 && repliesToCast(c.tag) {
				v.add("the reply of shelf %d to %s came %d times", i, c.tag, n)
			}
		}
	}
}

// cameWith records when the token expires with which an order was sent.
func (w *world) cameWith(tag string, expires time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expiries[tag] = expires
}

// admitted is the oracle that nothing is executed for a token that had expired when the
// call was made.
func (v *verdict) admitted(c *call) {
	expires, known := v.w.expiries[c.tag]
	if made := v.w.start.Add(c.made); known && made.After(expires) {
		v.add("%s was made %v after the token had expired with which it was executed", c.tag, made.Sub(expires))
	}
}
