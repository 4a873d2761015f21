package sqldb

import (
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz/internal/store"
)

var _ store.Tables = (*Tx)(nil)

// Exec implements [store.Tables].
func (t *Tx) Exec(query string, args []any) (rows int64, err error) {
	before := t.totalChanges()
	err = t.exec(query, args)
	return t.totalChanges() - before, err
}

// Query implements [store.Tables].
func (t *Tx) Query(query string, args []any) (store.Cursor, error) {
	s, rest, err := t.prepare(query, args)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return nil, errors.New("there is no statement in the query")
	case rest != "":
		s.drop()
		return nil, errors.New("several statements in one query: Exec runs them")
	}
	return s, nil
}

// OnStep implements [store.Tables].
func (t *Tx) OnStep(f func(begins bool) error) { t.onStep = f }

// Interrupt implements [store.Tables].
func (t *Tx) Interrupt(stop <-chan struct{}) {
	if t.Conn != nil {
		t.Conn.SetInterrupt(stop)
	}
}

// exec runs one statement, or several as one.
func (t *Tx) exec(query string, args []any) error {
	s, rest, err := t.prepare(query, args)
	switch {
	case s == nil:
		return err
	case rest == "":
		return s.all()
	}
	s.drop()
	if err := t.BeginPart(); err != nil {
		return err
	}
	err = t.script(query)
	if t.Fatal(err) != nil {
		return err
	}
	return errors.Join(err, t.EndPart(err != nil))
}

// Fatal returns err if storage failed, and nil if only a statement did.
func (t *Tx) Fatal(err error) error {
	if err == nil {
		return nil
	}
	if t.inTx && t.Conn.AutocommitEnabled() {
		return errors.Join(errTxGone, err)
	}
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultIOErr, sqlite.ResultFull, sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultNoMem, sqlite.ResultCantOpen, sqlite.ResultReadOnly:
		return err
	}
	return nil
}
