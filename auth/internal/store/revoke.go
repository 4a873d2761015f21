package store

import (
	"slices"
	"sync"
	"sync/atomic"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// OnRevoke registers f, which is called after each transaction that revoked something, with the
// ids of the affected subjects, sessions and named tokens. It is called on the goroutine of the
// transaction, possibly concurrently, and must not block.
func (s *Store) OnRevoke(f func(ids ...string)) {
	s.revoked.mu.Lock()
	defer s.revoked.mu.Unlock()
	s.revoked.told = append(s.revoked.told, f)
}

// Revocations returns the number of transactions that revoked something since Open.
func (s *Store) Revocations() uint64 { return s.revoked.number.Load() }

// revocations collects what is revoked.
type revocations struct {
	number atomic.Uint64 // of transactions that revoked something
	within []string      // ids revoked by the transaction that has the writer

	mu   sync.Mutex // guards the following field
	told []func(ids ...string)
}

// publish reports what a committed transaction revoked.
func (r *revocations) publish(ids []string) {
	if len(ids) == 0 {
		return
	}
	r.number.Add(1)
	r.mu.Lock()
	told := slices.Clone(r.told)
	r.mu.Unlock()
	for _, f := range told {
		f(ids...)
	}
}

// revokeTriggers record every revocation, whichever statement causes it, including cascades of
// foreign keys. They belong to the writing connection, not to the file.
const revokeTriggers = `
CREATE TEMP TRIGGER SessionEnded AFTER DELETE ON main.Sessions BEGIN SELECT lmz_revoked(OLD.id); END;
CREATE TEMP TRIGGER NamedTokenRemoved AFTER DELETE ON main.NamedTokens BEGIN SELECT lmz_revoked(OLD.id); END;
CREATE TEMP TRIGGER SubjectRemoved AFTER DELETE ON main.Subjects BEGIN SELECT lmz_revoked(OLD.sub); END;
CREATE TEMP TRIGGER ActorRemoved AFTER DELETE ON main.AuthorizedActors BEGIN SELECT lmz_revoked(OLD.principalSub); END;
CREATE TEMP TRIGGER RightsRemoved AFTER UPDATE ON main.Subjects
	WHEN NEW.emailVerified < OLD.emailVerified OR NEW.adminApproved < OLD.adminApproved OR NEW.isAdmin < OLD.isAdmin OR NEW.email <> OLD.email
	BEGIN SELECT lmz_revoked(OLD.sub); END;
`

// watch makes r record what conn revokes.
func (r *revocations) watch(conn *sqlite.Conn) error {
	err := conn.CreateFunction("lmz_revoked", &sqlite.FunctionImpl{
		NArgs: 1, AllowIndirect: true,
		Scalar: func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
			if id := args[0].Text(); !slices.Contains(r.within, id) {
				r.within = append(r.within, id)
			}
			return sqlite.Value{}, nil
		},
	})
	if err != nil {
		return err
	}
	return sqlitex.ExecuteScript(conn, revokeTriggers, nil)
}

// transaction begins a writing transaction. Its end publishes what it revoked.
func (s *Store) transaction(conn *sqlite.Conn) (end func(*error), err error) {
	s.revoked.within = nil
	commit, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return nil, err
	}
	return func(err *error) {
		commit(err)
		if *err == nil {
			s.revoked.publish(s.revoked.within)
		}
		s.revoked.within = nil
	}, nil
}
