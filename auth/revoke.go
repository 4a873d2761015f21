package auth

import (
	"slices"
	"sync"
	"sync/atomic"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// How a session ended, in the column revoked of its refresh tokens, so that people can be
// told what happened. Earlier versions always wrote 1.
const (
	endedSignOut   = 1 + iota // by who used it
	endedElsewhere            // by its owner, from another session or from a mail
	endedByAdmin
	endedReused // a refresh token of it was used twice, and so may be stolen
	endedUnapproved
)

// How a revoked token is refused. Page and terminal show these texts, which are also the
// close reasons of connections (PROTOCOL.md, "Tokens").
var (
	errSignedOut    = unauthorized("invalid_token", "Signed out")
	errAccountGone  = unauthorized("invalid_token", "Account removed")
	errUnapproved   = unauthorized("invalid_token", "Approval withdrawn")
	errNamedGone    = unauthorized("invalid_token", "Access token removed")
	errMayNotActNow = unauthorized("invalid_token", "May not act for this account any more")

	errsEnded = map[int64]*Error{
		endedSignOut:    errSignedOut,
		endedElsewhere:  unauthorized("invalid_token", "Signed out on another device"),
		endedByAdmin:    unauthorized("invalid_token", "Signed out by an administrator"),
		endedReused:     unauthorized("invalid_token", "Signed out because a copy of the sign-in was used"),
		endedUnapproved: errUnapproved,
	}
)

// sessionEnded says why a session that has no row any more has ended.
func (d db) sessionEnded(id string) error {
	how, err := d.number("SELECT coalesce(max(revoked), 0) FROM RefreshTokens WHERE familyId = :id", args{":id": id})
	if err != nil {
		return err
	}
	if known := errsEnded[how]; known != nil {
		return known
	}
	return errBadToken
}

// OnRevoke registers f, which is called at every revocation: of an account, an approval, a role, a session, a
// named token, or the right to act for somebody. The ids are those of subjects, sessions and tokens, as in
// [lmz.Auth]; verify again whoever uses one of them, as gateway.Gateway.Revoke does. f is called when the
// change is on disk, before the request that made it is answered, from many goroutines, and must not block.
// Call OnRevoke before the service serves.
func (s *Service) OnRevoke(f func(ids ...string)) {
	s.store.revoked.mu.Lock()
	defer s.store.revoked.mu.Unlock()
	s.store.revoked.told = append(s.store.revoked.told, f)
}

// Revocations returns a counter that changes with every revocation, removed signing keys
// included. It starts at zero with the program.
func (s *Service) Revocations() uint64 {
	if _, err := s.keys.Current(); err != nil {
		s.log.Error("the keys cannot be read", "error", err)
	}
	return s.store.revoked.number.Load() + s.keys.Dropped()
}

// revocations are what was taken away.
type revocations struct {
	number atomic.Uint64 // of transactions that took something away
	within []string      // the transaction that has the writer

	mu   sync.Mutex // guards the following field
	told []func(ids ...string)
}

// publish tells of what a transaction that is on disk took away.
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

// revokeTriggers record every revocation, whichever statement causes it, cascades of
// foreign keys included. They belong to the connection that writes, not to the file.
const revokeTriggers = `
CREATE TEMP TRIGGER SessionEnded AFTER DELETE ON main.Sessions BEGIN SELECT lmz_revoked(OLD.id); END;
CREATE TEMP TRIGGER NamedTokenRemoved AFTER DELETE ON main.NamedTokens BEGIN SELECT lmz_revoked(OLD.id); END;
CREATE TEMP TRIGGER SubjectRemoved AFTER DELETE ON main.Subjects BEGIN SELECT lmz_revoked(OLD.sub); END;
CREATE TEMP TRIGGER ActorRemoved AFTER DELETE ON main.AuthorizedActors BEGIN SELECT lmz_revoked(OLD.principalSub); END;
CREATE TEMP TRIGGER RightsRemoved AFTER UPDATE ON main.Subjects
	WHEN NEW.emailVerified < OLD.emailVerified OR NEW.adminApproved < OLD.adminApproved OR NEW.isAdmin < OLD.isAdmin OR NEW.email <> OLD.email
	BEGIN SELECT lmz_revoked(OLD.sub); END;
`

// watch has r notice what the connection takes away.
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

// transaction begins one that writes, and publishes after its end what it took away.
func (s *store) transaction(conn *sqlite.Conn) (end func(*error), err error) {
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
