package object

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/budget"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/store"
)

// Storage is charged to the subjects whose turns made the object grow. The object keeps in
// its own rows how much each has paid, to refund it when the object shrinks or is removed.
// The totals are stored with the wake index, and may lag by usageDelay after a crash.

// Rows of the runtime.
const (
	paidRows = "paid/" // followed by a subject: bytes, as decimal digits
	madeRow  = "made"  // the payer for the object itself
)

// DefaultMaxBytes is the default of [Kind].MaxBytes.
const DefaultMaxBytes = 1 << 30

// charge is usage by a turn, to be counted when the turn is kept.
type charge struct {
	payer string
	kind  budget.Kind
	n     int64
}

// The following methods of Object require the turn.

// charged records usage by the turn.
func (o *Object) charged(payer string, k budget.Kind, n int64) {
	if payer != budget.System && n != 0 {
		o.charges = append(o.charges, charge{payer, k, n})
	}
}

// mayHold returns why a subject may not hold one more of a quantity, including what the turn
// has used, or nil.
func (o *Object) mayHold(payer string, k budget.Kind) *lmz.Error {
	n := int64(1)
	for _, c := range o.charges {
		if c.payer == payer && c.kind == k {
			n += c.n
		}
	}
	return o.rt.accounts.Check(payer, k, n)
}

// takeCharges takes the charges of the turn and returns a function that counts them.
func (o *Object) takeCharges() (count func()) {
	charges := o.charges
	o.charges = nil
	if len(charges) == 0 {
		return func() {}
	}
	return func() {
		for _, c := range charges {
			o.rt.accounts.Add(c.payer, c.kind, c.n)
			o.rt.usage.changed(c.payer, c.kind)
		}
	}
}

// measure determines the size of the object, which is being opened for a call of subject.
func (o *Object) measure(subject string) (err error) {
	o.opener = subject
	o.size, err = o.store.Size()
	o.costs(openCost + o.size)
	return err
}

// forgetSize undoes measure.
func (o *Object) forgetSize() {
	o.costs(-o.cost)
	o.size, o.charges = 0, nil
}

// mayBegin returns why a subject may not have the turn now, or nil: it has used too much
// time or too many steps, or the object does not exist and would exceed its quota.
func (o *Object) mayBegin(payer string) *lmz.Error {
	accounts := o.rt.accounts
	for _, k := range []budget.Kind{budget.Time, budget.Steps} {
		if refused := accounts.Check(payer, k, 0); refused != nil {
			return refused
		}
	}
	if o.handler == nil && !o.rt.disk.Exists(o.id.Address) {
		return accounts.Check(payer, budget.Objects, 1)
	}
	return nil
}

// growth returns by how much the object has grown in the run's turn, and why that is too
// much, if it is.
func (r *run) growth() (grown int64, refused *lmz.Error, err error) {
	// A turn that is undone or only reads may still have created the file.
	if r.checking || r.o.size > 0 && !r.o.store.Changed() {
		return 0, nil, nil
	}
	size, err := r.o.store.Size()
	if grown = size - r.o.size; grown <= 0 || err != nil {
		return grown, nil, err
	}
	if r.o.size == 0 {
		refused = r.o.rt.accounts.Check(r.payer, budget.Objects, 1)
	}
	if most := r.o.kind.MaxBytes; most > 0 && size > most {
		refused = node.NewQuotaExceeded("stored in "+r.o.id.Binding, most)
		refused.Message = fmt.Sprintf("the object would have %d bytes, and may have %d; remove some of what it stores", size, most)
	} else if refused == nil {
		refused = r.o.rt.accounts.Check(r.payer, budget.Stored, grown)
	}
	if refused != nil && (r.left.Load() || r.group != nil || r.chore != nil) {
		refused.Code = lmz.CodeCallee // part of it is or may be done, or nobody can retry the call
	}
	return grown, refused, nil
}

// payGrowth stores who pays for the turn's growth, in the rows of the runtime. r.mu is held.
func (r *run) payGrowth() error {
	o := r.o
	grown, _, err := r.growth()
	if grown == 0 || err != nil {
		return err
	}
	if o.size == 0 && grown > 0 && r.payer != budget.System {
		if err := o.store.PutRow(madeRow, []byte(r.payer)); err != nil {
			return err
		}
		o.charged(r.payer, budget.Objects, 1)
	}
	o.size += grown
	o.costs(grown)
	if grown > 0 {
		return o.pay(r.payer, grown)
	}
	left, err := o.refund(r.payer, -grown)
	if err != nil || left == 0 {
		return err
	}
	paid, err := o.store.Rows(paidRows, store.NoLimit)
	for i := 0; i < len(paid) && left > 0 && err == nil; i++ {
		left, err = o.refund(strings.TrimPrefix(paid[i].Key, paidRows), left)
	}
	return err
}

// pay charges bytes to a subject.
func (o *Object) pay(payer string, n int64) error {
	if payer == budget.System {
		return nil
	}
	paid, err := o.paid(payer)
	if err != nil {
		return err
	}
	o.charged(payer, budget.Stored, n)
	return o.store.PutRow(paidRows+payer, strconv.AppendInt(nil, paid+n, 10))
}

// refund credits a subject for up to n of the bytes that it has paid for, and returns the
// rest of n.
func (o *Object) refund(payer string, n int64) (left int64, err error) {
	paid, err := o.paid(payer)
	if paid == 0 || err != nil {
		return n, err
	}
	back := min(paid, n)
	o.charged(payer, budget.Stored, -back)
	if back == paid {
		return n - back, o.store.DeleteRow(paidRows + payer)
	}
	return 0, o.store.PutRow(paidRows+payer, strconv.AppendInt(nil, paid-back, 10))
}

func (o *Object) paid(payer string) (int64, error) {
	value, found, err := o.store.Row(paidRows + payer)
	if !found || err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(value), 10, 64)
}
