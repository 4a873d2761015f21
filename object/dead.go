package object

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/record"
	"github.com/lumenize/lmz/internal/store"
)

// A message sent without a reply that permanently failed to execute, or whose outcome is
// unknown, is kept with its sender as a dead letter until an administrator removes it.

// deadMeta is the row of the deadCounters.
const deadMeta = "deadletters"

// Limits for one object.
const (
	maxDead      = 100      // letters; another one replaces the oldest, which is logged
	maxDeadChain = 16 << 10 // bytes of a letter's arguments; longer ones are not kept
)

// deadRow is a dead letter.
type deadRow struct {
	To      []string `cbor:"to"`              // binding and instance
	Work    string   `cbor:"work"`            // names its methods
	Chain   []byte   `cbor:"chain,omitempty"` // nil if too large
	Died    int64    `cbor:"died"`            // Unix milliseconds
	Error   string   `cbor:"error"`
	Unknown bool     `cbor:"unknown,omitempty"` // it may have been executed
}

// deadCounters count dead letters.
type deadCounters struct {
	Last    int64 `cbor:"last"` // number of the last one
	Kept    int   `cbor:"kept"`
	Dropped int64 `cbor:"dropped"` // for lack of room
}

func newDead(s *stored, i int, why error) *deadRow {
	d := &deadRow{
		To: s.row.To[2*i : 2*i+2], Work: namesOf(s.row.Chain), Died: time.Now().UnixMilli(), Error: publicText(why),
		Unknown: errors.Is(why, lmz.ErrOutcomeUnknown),
	}
	if len(s.row.Chain) <= maxDeadChain {
		d.Chain = s.row.Chain
	}
	return d
}

// namesOf names the methods that a chain calls, without their arguments.
func namesOf(chain []byte) string {
	names, err := proto.Methods(chain)
	if err != nil || len(names) == 0 {
		return proto.FirstMethod(chain) + "()"
	}
	return strings.Join(names, "().") + "()"
}

func (o *Object) deadCounters() (c deadCounters, err error) {
	data, found, err := o.store.Row(deadMeta)
	if err == nil && found {
		err = record.Unmarshal(data, &c)
	}
	return c, err
}

func deadKey(n int64) string { return fmt.Sprintf("%s%016x", store.DeadRows, n) }

// idOf is the ID of the letter with a key.
func idOf(key string) string {
	n, err := strconv.ParseInt(strings.TrimPrefix(key, store.DeadRows), 16, 64)
	if err != nil {
		return key
	}
	return strconv.FormatInt(n, 10)
}

// bury stores a dead letter. The caller has the turn.
func (o *Object) bury(d *deadRow) error {
	c, err := o.deadCounters()
	if err != nil {
		return err
	}
	c.Last++
	if c.Kept < maxDead {
		c.Kept++
	} else {
		oldest, err := o.store.Rows(store.DeadRows, 1)
		if err != nil || len(oldest) == 0 {
			return errors.Join(err, errors.New("dead letters were miscounted"))
		}
		if err := o.store.DeleteRow(oldest[0].Key); err != nil {
			return err
		}
		c.Dropped++
		o.logger().Warn("the oldest dead letter was dropped: there are too many", "kept", maxDead, "dropped", c.Dropped)
	}
	if err := putEncoded(o.store, deadMeta, c); err != nil {
		return err
	}
	return putEncoded(o.store, deadKey(c.Last), d)
}
