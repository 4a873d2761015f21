package store

import (
	"errors"
	"time"

	"zombiezen.com/go/sqlite"
)

// Ranks of mails: those of a lower rank are sent first.
const (
	RankAccount  = iota // to the owner of an account, or from the service itself
	RankStranger        // requested by a stranger for an address without an account
	RankWithheld        // not to be sent; deleted with its link and audit event
)

// Mail is a queued mail. Times are milliseconds since 1970.
type Mail struct {
	ID               int64
	Sealed           []byte
	Rank             int
	Token            string // hash of the token of its link, if the link was requested
	Event            int64  // the audit event about the request
	Attempts         int64
	DueAt, ExpiresAt int64
}

// QueueMail stores a mail. ID and Attempts are ignored.
func (tx Tx) QueueMail(m Mail) error {
	return tx.exec("INSERT INTO Outbox (sealed, rank, token, event, dueAt, expiresAt) VALUES (:sealed, :rank, :token, :event, :due, :expires)",
		args{":sealed": m.Sealed, ":rank": m.Rank, ":token": m.Token, ":event": m.Event, ":due": m.DueAt, ":expires": m.ExpiresAt}, nil)
}

// NextMail returns the mail that is due first; among due mails, those of a lower rank come first.
// It deletes withheld mails.
func (tx Tx) NextMail(now time.Time) (m Mail, found bool, err error) {
	if err := tx.dropWithheld(); err != nil {
		return m, false, err
	}
	const first = "SELECT id FROM Outbox ORDER BY dueAt > :now, CASE WHEN dueAt <= :now THEN rank END, dueAt, id LIMIT 1"
	found, err = tx.one("SELECT * FROM Outbox WHERE id = ("+first+")", args{":now": now.UnixMilli()}, func(stmt *sqlite.Stmt) {
		m = Mail{ID: stmt.GetInt64("id"), Rank: int(stmt.GetInt64("rank")), Token: stmt.GetText("token"), Event: stmt.GetInt64("event"),
			Attempts: stmt.GetInt64("attempts"), DueAt: stmt.GetInt64("dueAt"), ExpiresAt: stmt.GetInt64("expiresAt")}
		m.Sealed = make([]byte, stmt.GetLen("sealed"))
		stmt.GetBytes("sealed", m.Sealed)
	})
	return m, found, err
}

// dropWithheld deletes the withheld mails and every trace of them.
func (tx Tx) dropWithheld() error {
	const withheld = "FROM Outbox WHERE rank = :rank"
	named := args{":rank": RankWithheld}
	return errors.Join(
		tx.exec("DELETE FROM MagicLinks WHERE tokenHash IN (SELECT token "+withheld+")", named, nil),
		tx.exec("DELETE FROM Audit WHERE id IN (SELECT event "+withheld+")", named, nil),
		tx.exec("DELETE "+withheld, named, nil))
}

// CountAttempt counts an attempt to send a mail, and sets when the next one is due.
func (tx Tx) CountAttempt(id int64, due time.Time) error {
	return tx.exec("UPDATE Outbox SET attempts = attempts + 1, dueAt = :due WHERE id = :id", args{":due": due.UnixMilli(), ":id": id}, nil)
}

// DeleteMail deletes a mail.
func (tx Tx) DeleteMail(id int64) error {
	return tx.exec("DELETE FROM Outbox WHERE id = :id", args{":id": id}, nil)
}
