package object

import (
	"errors"
	"strconv"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// txn is an SQLite connection and the transaction that several turns share on it: each
// has a savepoint of its own, unless nothing was written before it.
type txn struct {
	conn  *sqlite.Conn // nil until first needed
	guard guard
	free  map[string][]*sqlite.Stmt // statements of the object's own code that are not in use

	theirs func(begins bool) error // see run.theirs; nil if nothing interrupts them

	// Of the transaction.
	inTx   bool
	saved  bool // there is a savepoint, of this turn or an earlier one
	writes int

	// Of the turn.
	before int   // writes of the turns before it in the transaction
	begun  bool  // it has what it needs: the transaction, and a savepoint if they wrote
	parts  []int // writes before each open part of the turn
}

var errTxGone = errors.New("SQLite had rolled the transaction back")

func (t *txn) run(query string) error { return sqlitex.Execute(t.conn, query, nil) }

// begin gives the turn its transaction, or a savepoint in that of the turns before it.
// The connection must be there.
func (t *txn) begin() error {
	if t.begun {
		return nil
	}
	var err error
	switch {
	case !t.inTx:
		err = t.run(`BEGIN`)
		t.inTx = err == nil
	case t.before > 0:
		err = t.savepoint()
	}
	t.begun = err == nil
	return err
}

// savepoint replaces the savepoint of an earlier turn by one of this.
func (t *txn) savepoint() error {
	if t.saved {
		if err := t.run(`RELEASE lmz_turn`); err != nil {
			return err
		}
	}
	t.saved = true
	return t.run(`SAVEPOINT lmz_turn`)
}

func (t *txn) mark() { t.before, t.begun, t.parts = t.writes, false, t.parts[:0] }

func (t *txn) undo() error {
	switch {
	case !t.begun:
		return nil // it has not touched the file
	case t.before == 0:
		return t.rollback()
	case t.conn.AutocommitEnabled():
		return errTxGone
	}
	t.writes, t.parts = t.before, t.parts[:0]
	return t.run(`ROLLBACK TO lmz_turn`)
}

// beginPart begins a part of the turn that can be undone by itself. Parts nest.
func (t *txn) beginPart() error {
	t.parts = append(t.parts, t.writes)
	return t.run(`SAVEPOINT ` + t.part())
}

func (t *txn) part() string { return "lmz_part" + strconv.Itoa(len(t.parts)) }

// endPart ends the last part that began.
func (t *txn) endPart(undo bool) error {
	if t.conn.AutocommitEnabled() {
		return errTxGone
	}
	name := t.part()
	last := len(t.parts) - 1
	if undo {
		t.writes = t.parts[last]
		if err := t.run(`ROLLBACK TO ` + name); err != nil {
			return err
		}
	}
	t.parts = t.parts[:last]
	return t.run(`RELEASE ` + name)
}

// size is how many bytes the pages have that are in use.
func (t *txn) size() (int64, error) {
	if t.conn == nil {
		return 0, nil
	}
	pages, err := t.number(`PRAGMA page_count`)
	if err != nil {
		return 0, err
	}
	free, err := t.number(`PRAGMA freelist_count`)
	return (pages - free) * pageSize, err
}

// pageSize is SQLite's default, which nothing changes.
const pageSize = 4096

// number returns the only column of a query's only row.
func (t *txn) number(query string) (int64, error) {
	stmt, err := t.conn.Prepare(query)
	if err != nil {
		return 0, err
	}
	defer stmt.Reset()
	if _, err := stmt.Step(); err != nil {
		return 0, err
	}
	return stmt.ColumnInt64(0), nil
}

func (t *txn) changed() bool { return t.writes > t.before }

func (t *txn) dirty() bool { return t.writes > 0 }

func (t *txn) commit() (wrote bool, err error) {
	if !t.inTx {
		return false, nil
	}
	if t.conn.AutocommitEnabled() {
		return false, errTxGone
	}
	failpoint("before commit")
	if err := t.run(`COMMIT`); err != nil {
		// A write that was refused left no whole commit in the log; after anything else
		// nobody knows.
		if code := sqlite.ErrCode(err); code.ToPrimary() == sqlite.ResultIOErr && code != sqlite.ResultIOErrWrite {
			return false, errors.Join(withoutPath(err), errMaybeStored)
		}
		return false, err
	}
	wrote = t.dirty()
	t.forget()
	failpoint("after commit")
	return wrote, nil
}

// forget says that there is no transaction any more.
func (t *txn) forget() {
	t.inTx, t.saved, t.writes = false, false, 0
	t.before, t.begun, t.parts = 0, false, t.parts[:0]
}

func (t *txn) rollback() error {
	if !t.inTx {
		return nil
	}
	t.forget()
	if t.conn.AutocommitEnabled() { // SQLite did it itself, because of an error
		return nil
	}
	return t.run(`ROLLBACK`)
}

func (t *txn) close() error {
	if t.conn == nil {
		return nil
	}
	err := errors.Join(t.rollback(), t.finalize(), closeConn(t.conn))
	t.conn = nil
	return err
}
