package object

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/jsonwire"
	"github.com/lumenize/lmz/internal/store"
)

// DeadLetter is a message that an object sent without a reply, and that permanently failed
// to execute or whose outcome is unknown.
type DeadLetter struct {
	From, To lmz.Address
	ID       string // unique among the sender's letters
	Work     string // names the methods that were to be called
	Args     string // Work with its arguments, as JSON; "" if they were too large to keep
	Died     time.Time
	Error    string // why it failed
	Unknown  bool   // it may have been executed
	Cursor   string // position in the list, for [Runtime.DeadLetters]
}

// deadPage limits how long one page of dead letters is searched for.
const deadPage = time.Second

// DeadLetters returns up to limit dead letters of the object with an instance name, of all
// objects of a binding if instance is "", or of all objects if both are. If after is not "",
// it is the cursor to continue after. If next is not "", the list continues there: a page
// may be short or empty because many objects were searched. DeadLetters starts no objects.
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
		next = place + "\x00~" // after all of them
	}
	return page, "", nil
}

// mayHaveDead returns the objects that may have dead letters, in order.
func (rt *Runtime) mayHaveDead(binding, instance string) []lmz.Address {
	if instance != "" {
		return []lmz.Address{lmz.At(binding, instance)}
	}
	var senders []lmz.Address
	for a := range rt.wakes.All() { // objects with dead letters are in the index
		if binding == "" || a.Binding == binding {
			senders = append(senders, a)
		}
	}
	slices.SortFunc(senders, func(a, b lmz.Address) int {
		return cmp.Compare(strconv.Quote(a.String()), strconv.Quote(b.String()))
	})
	return senders
}

// deadOf returns the dead letters of one object, without starting it.
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
