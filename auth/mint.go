package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/lumenize/lmz/auth/internal/keys"
	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/auth/internal/token"
	"github.com/lumenize/lmz/internal/textin"
)

// Mint signs an access token for an address with the keys of the data directory dir, or with
// those of getenv (nil means os.Getenv), as described at [Options].Getenv. It creates the subject
// if needed, verified and approved. With admin the subject also becomes an admin; only then does
// the token carry admin rights. A ttl of zero means one hour.
//
// Mint works while a service has dir open. It fails if no service ever had, and for a subject
// whose approval was revoked.
func Mint(dir string, getenv func(string) string, email string, admin bool, ttl time.Duration) (string, error) {
	token, err := mint(dir, getenv, email, admin, ttl)
	if err != nil {
		return "", fmt.Errorf("auth: mint a token: %w", err)
	}
	return token, nil
}

func mint(dir string, getenv func(string) string, raw string, admin bool, ttl time.Duration) (string, error) {
	email, ok := NormalEmail(raw)
	if !ok {
		return "", fmt.Errorf("%q is not a mail address", raw)
	}
	ttl = cmp.Or(ttl, time.Hour)
	if ttl < time.Second {
		return "", fmt.Errorf("a ttl of %v is too short: give at least 1s", ttl)
	}
	getenv = textin.Getenv(getenv)
	kept, err := readSettings(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is not a data directory yet: start the server on it once", dir)
	}
	if err != nil {
		return "", err
	}
	set, err := keys.Load(keyDir(dir), getenv)
	if err != nil {
		return "", err
	}
	subj, err := approveAddress(filepath.Join(dir, "auth.db"), email, admin)
	if err != nil {
		return "", err
	}
	subj.IsAdmin = admin
	now := time.Now()
	return token.Sign(set, kept.names(), grantTo(subj, now.Add(ttl)), now)
}

// approveAddress makes the subject of email verified and approved.
func approveAddress(path, email string, admin bool) (subj store.Subject, err error) {
	st, err := store.Open(path)
	if err != nil {
		return subj, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	now := time.Now()
	err = st.Update(context.Background(), func(tx store.Tx) error {
		if subj, _, err = tx.EnsureSubject(email, now); err != nil {
			return err
		}
		if subj.ApprovalRevoked {
			return errRevoked
		}
		subj.EmailVerified, subj.AdminApproved = true, true
		subj.IsAdmin = subj.IsAdmin || admin
		return tx.SaveFlags(subj, now)
	})
	return subj, err
}
