package sqldb

import (
	"errors"
	"strconv"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz/internal/failpoint"
	"github.com/lumenize/lmz/internal/store"
)

// Tx is an SQLite connection with a transaction that several turns share: each has a
// savepoint, unless nothing was written before it. It implements [store.Tables].
type Tx struct {
	Conn *sqlite.Conn // nil until first needed

	authorizer authorizer
	free       map[string][]*sqlite.Stmt // statements of the object's own code that are not in use
	onStep     func(begins bool) error   // see [store.Tables]

	// State of the transaction.
	inTx   bool
	saved  bool // there is a savepoint, of this turn or an earlier one
	writes int

	// State of the turn.
	before int   // writes of earlier turns in the transaction
	begun  bool  // it has the transaction, and a savepoint if earlier turns wrote
	parts  []int // writes before each open part of the turn
}

var errTxGone = errors.New("SQLite had rolled the transaction back")

// Run executes a statement of the runtime.
func (t *Tx) Run(query string) error { return sqlitex.Execute(t.Conn, query, nil) }

// Begin begins the turn's transaction, or a savepoint in that of earlier turns. The
// connection must be open.
func (t *Tx) Begin() error {
	if t.begun {
		return nil
	}
	var err error
	switch {
	case !t.inTx:
		err = t.Run(`BEGIN`)
		t.inTx = err == nil
	case t.before > 0:
		err = t.savepoint()
	}
	t.begun = err == nil
	return err
}

// savepoint replaces the savepoint of an earlier turn with one for this turn.
func (t *Tx) savepoint() error {
	if t.saved {
		if err := t.Run(`RELEASE lmz_turn`); err != nil {
			return err
		}
	}
	t.saved = true
	return t.Run(`SAVEPOINT lmz_turn`)
}

// Active reports whether there is a transaction, and Begun whether the turn is part of it.
func (t *Tx) Active() bool { return t.inTx }

// Begun is documented at Active.
func (t *Tx) Begun() bool { return t.begun }

// Wrote counts n changes by the runtime's own statements.
func (t *Tx) Wrote(n int) { t.writes += n }

// Mark begins a turn.
func (t *Tx) Mark() { t.before, t.begun, t.parts = t.writes, false, t.parts[:0] }

// Undo rolls back what the turn has written. If it fails, the whole transaction is lost.
func (t *Tx) Undo() error {
	switch {
	case !t.begun:
		return nil // the turn has not touched the file
	case t.before == 0:
		return t.Rollback()
	case t.Conn.AutocommitEnabled():
		return errTxGone
	}
	t.writes, t.parts = t.before, t.parts[:0]
	return t.Run(`ROLLBACK TO lmz_turn`)
}

// BeginPart begins a part of the turn that can be undone separately. Parts nest.
func (t *Tx) BeginPart() error {
	t.parts = append(t.parts, t.writes)
	return t.Run(`SAVEPOINT ` + t.part())
}

func (t *Tx) part() string { return "lmz_part" + strconv.Itoa(len(t.parts)) }

// EndPart ends the innermost part.
func (t *Tx) EndPart(undo bool) error {
	if t.Conn.AutocommitEnabled() {
		return errTxGone
	}
	name := t.part()
	last := len(t.parts) - 1
	if undo {
		t.writes = t.parts[last]
		if err := t.Run(`ROLLBACK TO ` + name); err != nil {
			return err
		}
	}
	t.parts = t.parts[:last]
	return t.Run(`RELEASE ` + name)
}

// Size returns the bytes of the pages in use.
func (t *Tx) Size() (int64, error) {
	if t.Conn == nil {
		return 0, nil
	}
	pages, err := t.Number(`PRAGMA page_count`)
	if err != nil {
		return 0, err
	}
	free, err := t.Number(`PRAGMA freelist_count`)
	return (pages - free) * PageSize, err
}

// PageSize is SQLite's default page size, which is never changed.
const PageSize = 4096

// Number returns the only column of a query's only row.
func (t *Tx) Number(query string) (int64, error) {
	stmt, err := t.Conn.Prepare(query)
	if err != nil {
		return 0, err
	}
	defer stmt.Reset()
	if _, err := stmt.Step(); err != nil {
		return 0, err
	}
	return stmt.ColumnInt64(0), nil
}

// Changed reports whether the turn has written anything.
func (t *Tx) Changed() bool { return t.writes > t.before }

// Dirty reports whether there is anything to commit.
func (t *Tx) Dirty() bool { return t.writes > 0 }

// Commit ends the transaction, and reports whether it wrote anything.
func (t *Tx) Commit() (wrote bool, err error) {
	if !t.inTx {
		return false, nil
	}
	if t.Conn.AutocommitEnabled() {
		return false, errTxGone
	}
	failpoint.Here("before commit")
	if err := t.Run(`COMMIT`); err != nil {
		// A refused write left no complete commit in the log; after any other error the outcome is
		// unknown.
		if code := sqlite.ErrCode(err); code.ToPrimary() == sqlite.ResultIOErr && code != sqlite.ResultIOErrWrite {
			return false, errors.Join(store.WithoutPath(err), store.ErrMaybeStored)
		}
		return false, err
	}
	wrote = t.Dirty()
	t.forget()
	failpoint.Here("after commit")
	return wrote, nil
}

// forget resets the state after a transaction.
func (t *Tx) forget() {
	t.inTx, t.saved, t.writes = false, false, 0
	t.before, t.begun, t.parts = 0, false, t.parts[:0]
}

// Rollback rolls back the transaction.
func (t *Tx) Rollback() error {
	if !t.inTx {
		return nil
	}
	t.forget()
	if t.Conn.AutocommitEnabled() { // SQLite has already rolled back, because of an error
		return nil
	}
	return t.Run(`ROLLBACK`)
}

// Close rolls back and closes the connection.
func (t *Tx) Close() error {
	if t.Conn == nil {
		return nil
	}
	err := errors.Join(t.Rollback(), t.finalize(), Close(t.Conn))
	t.Conn = nil
	return err
}
