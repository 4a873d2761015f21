package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitemigration"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/lumenize/lmz/auth/internal/secret"
)

var now = time.Unix(1_700_000_000, 0)

func open(t *testing.T) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "auth.db"))
}

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func update(t *testing.T, s *Store, f func(Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// subject stores a verified and approved subject.
func subject(t *testing.T, s *Store, email string) (subj Subject) {
	t.Helper()
	update(t, s, func(tx Tx) (err error) {
		if subj, _, err = tx.EnsureSubject(email, now); err != nil {
			return err
		}
		subj.EmailVerified, subj.AdminApproved = true, true
		return tx.SaveFlags(subj, now)
	})
	return subj
}

// session begins a session and returns its refresh token.
func session(t *testing.T, s *Store, id string, subj Subject) string {
	t.Helper()
	token := secret.New()
	update(t, s, func(tx Tx) error {
		return errors.Join(tx.InsertSession(Session{ID: id, Subject: subj.Sub, Kind: Browser, ExpiresAt: now.Add(time.Hour).UnixMilli()}),
			tx.InsertRefresh(token, "", id, subj.Sub, now, now.Add(time.Hour)))
	})
	return token
}

func TestDatabasePermissions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	openAt(t, path)
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// A database of the first version keeps its accounts and sessions.
func TestDatabaseOfTheFirstVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.db")
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenWAL)
	if err != nil {
		t.Fatal(err)
	}
	old := sqlitemigration.Schema{AppID: schema.AppID, Migrations: schema.Migrations[:1]}
	if err := sqlitemigration.Migrate(context.Background(), conn, old); err != nil {
		t.Fatal(err)
	}
	token := secret.New()
	for query, args := range map[string][]any{
		"INSERT INTO Subjects (sub, email, emailVerified, adminApproved, createdAt) VALUES ('s', 'ada@example.com', 1, 1, 1)": nil,
		"INSERT INTO RefreshTokens (tokenHash, familyId, subjectId, createdAt, expiresAt) VALUES (?, 'f', 's', ?, ?)":         {secret.Hash(token), now.UnixMilli(), now.Add(time.Hour).UnixMilli()},
	} {
		if err := sqlitex.Execute(conn, query, &sqlitex.ExecOptions{Args: args}); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	update(t, openAt(t, path), func(tx Tx) error {
		subj, err := tx.SubjectByEmail("ada@example.com")
		if err != nil || subj.Sub != "s" || !subj.AdminApproved {
			t.Errorf("subject %+v, %v", subj, err)
		}
		row, found, err := tx.RefreshToken(token)
		if err != nil || !found || row.Family != "f" || row.Revoked {
			t.Errorf("refresh token %+v, %v, %v", row, found, err)
		}
		if alive, err := tx.IsAlive("f", now); err != nil || !alive {
			t.Errorf("session alive: %v, %v", alive, err)
		}
		return nil
	})
}

func TestRollback(t *testing.T) {
	s := open(t)
	failure := errors.New("failure")
	err := s.Update(t.Context(), func(tx Tx) error {
		if _, _, err := tx.EnsureSubject("ada@example.com", now); err != nil {
			return err
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	err = s.View(t.Context(), func(tx Tx) error { _, err := tx.SubjectByEmail("ada@example.com"); return err })
	if err != ErrNotFound {
		t.Errorf("got %v", err)
	}
}

func TestClosedStore(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "auth.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	nothing := func(Tx) error { return nil }
	if err := s.Update(t.Context(), nothing); err != ErrClosed {
		t.Errorf("Update: %v", err)
	}
	if err := s.View(t.Context(), nothing); err != ErrClosed {
		t.Errorf("View: %v", err)
	}
}

func TestCanceledTransaction(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Update(ctx, func(tx Tx) error { _, _, err := tx.EnsureSubject("ada@example.com", now); return err })
	if err == nil {
		t.Error("the transaction was committed")
	}
	update(t, s, func(tx Tx) error {
		if _, err := tx.SubjectByEmail("ada@example.com"); err != ErrNotFound {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

// TestPublishedRevocations performs every kind of revocation, and requires that each is reported
// after its commit, and none after a rollback.
func TestPublishedRevocations(t *testing.T) {
	s := open(t)
	ada, bob := subject(t, s, "ada@example.com"), subject(t, s, "bob@example.com")
	session(t, s, "first", ada)
	session(t, s, "second", ada)
	update(t, s, func(tx Tx) error {
		_, err := tx.AddActor(ada.Sub, bob.Sub)
		return errors.Join(err, tx.InsertNamed("token", NamedToken{ID: "named", Subject: ada.Sub, ExpiresAt: now.Add(time.Hour).UnixMilli()}))
	})
	var told []string
	s.OnRevoke(func(ids ...string) { told = append(told, ids...) })
	unapproved := ada
	unapproved.AdminApproved = false
	for _, test := range []struct {
		name   string
		revoke func(tx Tx) error
		want   []string
	}{
		{"nothing", func(tx Tx) error { return tx.NoteLogin(ada.Sub, now) }, nil},
		{"a session", func(tx Tx) error { return tx.EndSession("first", EndedSignOut) }, []string{"first"}},
		{"an approval", func(tx Tx) error { return tx.SaveFlags(unapproved, now) }, []string{ada.Sub}},
		{"an approval that is gone", func(tx Tx) error { return tx.SaveFlags(unapproved, now) }, nil},
		{"a named token", func(tx Tx) error { return tx.DeleteNamed("named") }, []string{"named"}},
		{"an actor", func(tx Tx) error { _, err := tx.RemoveActor(ada.Sub, bob.Sub); return err }, []string{ada.Sub}},
		{"an account", func(tx Tx) error { return tx.DeleteSubject(ada.Sub) }, []string{"second", ada.Sub}},
	} {
		before := s.Revocations()
		told = nil
		s.Update(t.Context(), func(tx Tx) error { return errors.Join(test.revoke(tx), errors.New("rolled back")) })
		if told != nil || s.Revocations() != before {
			t.Errorf("%s, rolled back: told %q", test.name, told)
		}
		update(t, s, test.revoke)
		slices.Sort(told)
		slices.Sort(test.want)
		if !slices.Equal(told, test.want) || (s.Revocations() != before) != (test.want != nil) {
			t.Errorf("%s: told %q, want %q", test.name, told, test.want)
		}
	}
}

func TestEndedSession(t *testing.T) {
	s := open(t)
	ada := subject(t, s, "ada@example.com")
	token := session(t, s, "id", ada)
	update(t, s, func(tx Tx) error { return tx.EndSession("id", EndedReused) })
	update(t, s, func(tx Tx) error {
		if alive, err := tx.IsAlive("id", now); alive || err != nil {
			t.Errorf("alive: %v, %v", alive, err)
		}
		if how, err := tx.HowEnded("id"); how != EndedReused || err != nil {
			t.Errorf("ended: %d, %v", how, err)
		}
		row, found, err := tx.RefreshToken(token)
		if !found || !row.Revoked || err != nil {
			t.Errorf("refresh token %+v, %v, %v", row, found, err)
		}
		return nil
	})
}

func TestForgottenRefreshToken(t *testing.T) {
	s := open(t)
	ada := subject(t, s, "ada@example.com")
	first := session(t, s, "id", ada)
	next := secret.InFamily(first, secret.New())
	update(t, s, func(tx Tx) error {
		return errors.Join(tx.NoteRotation(secret.Hash(first), now), tx.InsertRefresh(next, secret.Hash(first), "id", ada.Sub, now, now.Add(time.Hour)),
			tx.ForgetReplaced("id", now.Add(time.Second)))
	})
	update(t, s, func(tx Tx) error {
		row, found, err := tx.RefreshToken(first)
		if err != nil || !found || row.Family != "id" || row.RotatedAt != RotatedLongAgo {
			t.Errorf("the forgotten token: %+v, %v, %v", row, found, err)
		}
		if row, found, err = tx.RefreshToken(next); err != nil || !found || row.RotatedAt != 0 {
			t.Errorf("its successor: %+v, %v, %v", row, found, err)
		}
		if _, found, err = tx.RefreshToken(secret.New()); err != nil || found {
			t.Errorf("an unknown token: %v, %v", found, err)
		}
		return nil
	})
}

func TestLinkLifetime(t *testing.T) {
	s := open(t)
	browser := Link{Email: "ada@example.com", CreatedAt: now, ExpiresAt: now.Add(time.Minute), IP: "192.0.2.1"}
	terminal := browser
	terminal.Listener = &Listener{Challenge: "c", RedirectURI: "http://127.0.0.1:1/callback", State: "s", Client: "lmz", Hostname: "laptop"}
	update(t, s, func(tx Tx) error { return errors.Join(tx.InsertLink("b", browser), tx.InsertLink("t", terminal)) })
	update(t, s, func(tx Tx) error {
		if l, err := tx.Link("t", now); err != nil || l.Listener == nil || *l.Listener != *terminal.Listener || l.Email != terminal.Email {
			t.Errorf("got %+v, %v", l, err)
		}
		if _, err := tx.Link("b", now.Add(2*time.Minute)); err != ErrExpired {
			t.Errorf("an expired link: %v", err)
		}
		if err := tx.DropBrowserLinks("ada@example.com"); err != nil {
			t.Error(err)
		}
		if _, err := tx.Link("b", now); err != ErrNotFound {
			t.Errorf("a dropped link: %v", err)
		}
		if _, err := tx.Link("t", now); err != nil {
			t.Errorf("the link of a terminal was dropped too: %v", err)
		}
		return tx.Sweep(now.Add(2 * time.Minute))
	})
	update(t, s, func(tx Tx) error {
		if _, err := tx.Link("t", now); err != ErrNotFound {
			t.Errorf("a swept link: %v", err)
		}
		return nil
	})
}

func TestOrderOfMails(t *testing.T) {
	s := open(t)
	later := now.Add(time.Minute)
	update(t, s, func(tx Tx) error {
		return errors.Join(
			tx.InsertLink("withheld", Link{Email: "ada@example.com", ExpiresAt: later}),
			tx.QueueMail(Mail{Sealed: []byte("stranger"), Rank: RankStranger, DueAt: now.UnixMilli(), ExpiresAt: later.UnixMilli()}),
			tx.QueueMail(Mail{Sealed: []byte("withheld"), Rank: RankWithheld, Token: secret.Hash("withheld"), DueAt: now.UnixMilli(), ExpiresAt: later.UnixMilli()}),
			tx.QueueMail(Mail{Sealed: []byte("account"), Rank: RankAccount, DueAt: now.Add(time.Second).UnixMilli(), ExpiresAt: later.UnixMilli()}),
		)
	})
	var sent []string
	update(t, s, func(tx Tx) error {
		for {
			m, found, err := tx.NextMail(later)
			if err != nil || !found {
				return err
			}
			sent = append(sent, string(m.Sealed))
			if err := tx.DeleteMail(m.ID); err != nil {
				return err
			}
		}
	})
	if want := []string{"account", "stranger"}; !slices.Equal(sent, want) {
		t.Errorf("sent %q, want %q", sent, want)
	}
	update(t, s, func(tx Tx) error {
		if _, err := tx.Link("withheld", now); err != ErrNotFound {
			t.Errorf("the link of a withheld mail: %v", err)
		}
		return nil
	})
}

func TestRepeatedEvent(t *testing.T) {
	s := open(t)
	e := Event{At: now.UnixMilli(), Event: "token.refreshed", Outcome: "success", Target: "s", Detail: []byte(`{"session":"id"}`)}
	update(t, s, func(tx Tx) error {
		id, err := tx.InsertEvent(e)
		return errors.Join(err, tx.CountEvent(id, now.Add(time.Second)), tx.CountEvent(id, now.Add(time.Minute)))
	})
	update(t, s, func(tx Tx) error {
		similar, err := tx.SimilarEvents(e, now.Add(-time.Hour))
		if err != nil || len(similar) != 1 || string(similar[0].Detail) != `{"session":"id","times":3,"last":1700000060000}` {
			t.Errorf("got %+v, %v", similar, err)
		}
		return err
	})
}
