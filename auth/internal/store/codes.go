package store

import (
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz/auth/internal/secret"
)

// Code is a code that a browser carries to a terminal.
type Code struct {
	Subject     string
	Challenge   string // see [Listener]
	RedirectURI string
	Label       string // of the terminal
	ExpiresAt   int64  // milliseconds since 1970
	Tried       bool   // in an earlier attempt
	Session     string // that it began, or ""
}

// InsertCode stores a code.
func (tx Tx) InsertCode(code string, c Code) error {
	return tx.exec(`INSERT INTO CliCodes (codeHash, subjectId, codeChallenge, redirectUri, label, expiresAt)
		VALUES (:hash, :sub, :challenge, :redirect, :label, :expires)`,
		args{":hash": secret.Hash(code), ":sub": c.Subject, ":challenge": c.Challenge, ":redirect": c.RedirectURI, ":label": c.Label,
			":expires": c.ExpiresAt}, nil)
}

// TryCode returns a code, whatever its state, and marks it as tried. An unknown code has no
// Subject.
func (tx Tx) TryCode(code string) (c Code, err error) {
	named := args{":hash": secret.Hash(code)}
	err = tx.exec("SELECT * FROM CliCodes WHERE codeHash = :hash", named, func(stmt *sqlite.Stmt) {
		c = Code{
			Subject: stmt.GetText("subjectId"), Challenge: stmt.GetText("codeChallenge"), RedirectURI: stmt.GetText("redirectUri"),
			Label: stmt.GetText("label"), ExpiresAt: stmt.GetInt64("expiresAt"),
			Tried: stmt.GetBool("tried"), Session: stmt.GetText("sessionId"),
		}
	})
	if err == nil {
		err = tx.exec("UPDATE CliCodes SET tried = 1 WHERE codeHash = :hash", named, nil)
	}
	return c, err
}

// SetCodeSession records which session a code began.
func (tx Tx) SetCodeSession(code, session string) error {
	return tx.exec("UPDATE CliCodes SET sessionId = :id WHERE codeHash = :code", args{":id": session, ":code": secret.Hash(code)}, nil)
}

// Device is a terminal that polls until a code was typed elsewhere (RFC 8628). Times are
// milliseconds since 1970.
type Device struct {
	Hash      string // of its device code
	CodeMAC   string // of the code that users type
	Email     string
	Label     string
	State     string // "pending", "approved" or "denied"
	Subject   string // that approved it
	Tries     int64
	Interval  int64 // seconds between polls
	PolledAt  int64 // 0: not yet
	ExpiresAt int64
}

// InsertDevice stores a pending device.
func (tx Tx) InsertDevice(dev Device) error {
	return tx.exec(`INSERT INTO Devices (deviceHash, userCodeMac, email, label, interval, expiresAt)
		VALUES (:hash, :mac, :email, :label, :interval, :expires)`,
		args{":hash": dev.Hash, ":mac": dev.CodeMAC, ":email": dev.Email, ":label": dev.Label, ":interval": dev.Interval,
			":expires": dev.ExpiresAt}, nil)
}

// Device returns a device by the hash of its code, whatever its state, or [ErrNotFound].
func (tx Tx) Device(hash string) (dev Device, err error) {
	found, err := tx.one("SELECT * FROM Devices WHERE deviceHash = :hash", args{":hash": hash}, func(stmt *sqlite.Stmt) {
		dev = Device{
			Hash: hash, CodeMAC: stmt.GetText("userCodeMac"), Email: stmt.GetText("email"), Label: stmt.GetText("label"),
			State: stmt.GetText("state"), Subject: stmt.GetText("subjectId"), Tries: stmt.GetInt64("tries"),
			Interval: stmt.GetInt64("interval"), PolledAt: stmt.GetInt64("polledAt"), ExpiresAt: stmt.GetInt64("expiresAt"),
		}
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return dev, err
}

// PendingDevice returns a device that is still waiting, or [ErrNotFound] or [ErrExpired].
func (tx Tx) PendingDevice(hash string, now time.Time) (Device, error) {
	dev, err := tx.Device(hash)
	if err == nil && dev.State != "pending" {
		err = ErrNotFound
	} else if err == nil && now.UnixMilli() > dev.ExpiresAt {
		err = ErrExpired
	}
	return dev, err
}

// ApproveDevice allows a device to sign in as a subject.
func (tx Tx) ApproveDevice(hash, sub string) error {
	return tx.exec("UPDATE Devices SET state = 'approved', subjectId = :sub WHERE deviceHash = :hash", args{":sub": sub, ":hash": hash}, nil)
}

// DenyDevice refuses a device.
func (tx Tx) DenyDevice(hash string) error {
	return tx.exec("UPDATE Devices SET state = 'denied' WHERE deviceHash = :hash", args{":hash": hash}, nil)
}

// DeleteDevice deletes a device.
func (tx Tx) DeleteDevice(hash string) error {
	return tx.exec("DELETE FROM Devices WHERE deviceHash = :hash", args{":hash": hash}, nil)
}

// CountTry counts a wrong code.
func (tx Tx) CountTry(hash string) error {
	return tx.exec("UPDATE Devices SET tries = tries + 1 WHERE deviceHash = :hash", args{":hash": hash}, nil)
}

// NotePoll sets PolledAt and Interval.
func (tx Tx) NotePoll(hash string, interval int64, now time.Time) error {
	return tx.exec("UPDATE Devices SET polledAt = :now, interval = :interval WHERE deviceHash = :hash",
		args{":now": now.UnixMilli(), ":interval": interval, ":hash": hash}, nil)
}
