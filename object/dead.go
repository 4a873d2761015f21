package object

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/record"
	"github.com/lumenize/lmz/internal/store"
)

// What an object has sent without wanting a reply, and what was not executed for good, or may
// not have been, is kept with the object as a dead letter, until an administrator removes it.

// deadMeta is the row with what is counted of dead letters.
const deadMeta = "deadletters"

// The bounds of what is kept of one object.
const (
	maxDead      = 100      // letters; a further one replaces the oldest, which the log says
	maxDeadChain = 16 << 10 // bytes of a letter's arguments
)

// deadRow is a dead letter.
type deadRow struct {
	To      []string `cbor:"to"`              // binding and instance
	Work    string   `cbor:"work"`            // names its methods
	Chain   []byte   `cbor:"chain,omitempty"` // nil if it is too large
	Died    int64    `cbor:"died"`            // Unix milliseconds
	Error   string   `cbor:"error"`
	Unknown bool     `cbor:"unknown,omitempty"` // it may have been executed
}

// deadCounters count dead letters.
type deadCounters struct {
	Last    int64 `cbor:"last"` // number of the latest
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

// DeadLetter is something that an object has sent without wanting a reply, and that was not
// executed for good, or may not have been.
type DeadLetter struct {
	From, To lmz.Address
	ID       string // of the letter, among those of its sender
	Work     string // names the methods that were to be called
	Args     string // the same with arguments, as JSON; "" if they were too large to be kept
	Died     time.Time
	Error    string // why
	Unknown  bool   // it may have been executed
	Cursor   string // of the place in the list, for [Runtime.DeadLetters]
}

// deadPage is how long the search for dead letters goes on for one page.
const deadPage = time.Second

// DeadLetters returns dead letters of the object with an instance name, of all objects of a
// binding if that is "", or of all objects if both are: up to limit of them, behind the place
// that a cursor names unless that is "". It goes on behind next, unless that is "": a page
// may be short, or empty, because many objects were looked at. It starts none.
func (rt *Runtime) DeadLetters(ctx context.Context, binding, instance, after string, limit int) (page []DeadLetter, next string, err error) {
	senders := rt.mayHaveDead(binding, instance)
	if instance != "" {
		if err := rt.mustExist(senders[0]); err != nil {
			return nil, "", err
		}
	}
	first, from, _ := strings.Cut(after, "\x00")
	began := time.Now()
	for _, a := range senders {
		place := strconv.Quote(a.String())
		if place < first {
			continue
		}
		if place > first {
			from = ""
		}
		if time.Since(began) > deadPage && next != "" {
			return page, next, nil
		}
		letters, err := rt.deadOf(ctx, a)
		if err != nil && (instance != "" || ctx.Err() != nil) {
			return page, "", err
		}
		for _, d := range letters {
			if d.Cursor <= from {
				continue
			}
			if len(page) == limit {
				return page, page[limit-1].Cursor, nil
			}
			d.Cursor = place + "\x00" + d.Cursor
			page = append(page, d)
		}
		next = place + "\x00~" // behind all of them
	}
	return page, "", nil
}

// mayHaveDead returns the objects that dead letters may be kept of, in order.
func (rt *Runtime) mayHaveDead(binding, instance string) []lmz.Address {
	if instance != "" {
		return []lmz.Address{lmz.At(binding, instance)}
	}
	var senders []lmz.Address
	for a := range rt.wakes.All() { // it is in the index if something of it is kept
		if binding == "" || a.Binding == binding {
			senders = append(senders, a)
		}
	}
	slices.SortFunc(senders, func(a, b lmz.Address) int {
		return cmp.Compare(strconv.Quote(a.String()), strconv.Quote(b.String()))
	})
	return senders
}

// deadOf returns the dead letters of one object, which need not start.
func (rt *Runtime) deadOf(ctx context.Context, a lmz.Address) (letters []DeadLetter, err error) {
	err = rt.turnOf(ctx, a, func(o *Object) error {
		st := o.store
		if st == nil {
			st = rt.disk.Open(a, o.kind.options())
			defer st.Close()
		}
		rows, err := st.Rows(store.DeadRows, store.NoLimit)
		for _, r := range rows {
			d, err := decodeRow[deadRow](r)
			if err != nil || len(d.To) != 2 {
				return errors.Join(err, errors.New("the row "+r.Key+" is not a dead letter"))
			}
			letter := DeadLetter{
				From: a, To: lmz.At(d.To[0], d.To[1]), Work: d.Work, Died: time.UnixMilli(d.Died), Error: d.Error, Unknown: d.Unknown,
				ID: idOf(r.Key), Cursor: r.Key,
			}
			if text, err := jsonwire.ToJSON(d.Chain); err == nil {
				letter.Args = string(text)
			}
			letters = append(letters, letter)
		}
		return err
	})
	return letters, err
}

// RemoveDead removes a dead letter of the object at a, or all of them if id is "", and
// returns how many there were.
func (rt *Runtime) RemoveDead(ctx context.Context, a lmz.Address, id string) (n int, err error) {
	err = rt.administer(ctx, a, func(ctx context.Context, o *Object) error {
		return o.use(ctx, func(st store.Store) error {
			rows, err := st.Rows(store.DeadRows, store.NoLimit)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if id != "" && idOf(r.Key) != id {
					continue
				}
				if err := st.DeleteRow(r.Key); err != nil {
					return err
				}
				n++
			}
			if n == 0 {
				return nil
			}
			c, err := o.deadCounters()
			if err != nil {
				return err
			}
			c.Kept -= n
			o.stirred = true
			if c.Kept == 0 {
				return st.DeleteRow(deadMeta)
			}
			return putEncoded(st, deadMeta, c)
		})
	})
	return n, err
}
