package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/lumenize/lmz/internal/origin"
	"github.com/lumenize/lmz/internal/textin"
	"github.com/lumenize/lmz/internal/wholefile"
)

// serverSignIns are the sign-ins at one server.
type serverSignIns struct {
	Active   string            `json:"active,omitempty"` // the address of the account that commands use
	Accounts map[string]signIn `json:"accounts"`         // by address
}

// signIn is what is kept of one account on one server.
type signIn struct {
	Email   string `json:"email"`
	Subject string `json:"sub"`
	Keyring bool   `json:"keyring,omitempty"` // the secrets are there, not here

	Secrets *secrets `json:"secrets,omitempty"`
}

// secrets let whoever has them act as the user.
type secrets struct {
	Refresh string    `json:"refresh_token"`
	Access  string    `json:"access_token"`
	Expires time.Time `json:"access_expires"`
}

// credentials is the file credentials.json: sign-ins by server, with their secrets
// where the keyring does not have them. Its methods may be used while the lock is
// held.
type credentials struct {
	path    string
	keyring bool
	servers map[string]serverSignIns
}

// openCredentials locks the credentials of an account against other processes and
// reads them. Close frees them.
func (a *app) openCredentials(ctx context.Context, o *account) (c *credentials, unlock func(), err error) {
	dir, err := a.configDir(o)
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("sign-ins cannot be kept: %w", err)
	}
	unlock, err = lockFile(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return nil, nil, fmt.Errorf("sign-ins cannot be locked: %w", err)
	}
	c = &credentials{path: filepath.Join(dir, "credentials.json"), keyring: !o.noKeyring, servers: make(map[string]serverSignIns)}
	if err := c.read(); err != nil {
		unlock()
		return nil, nil, err
	}
	return c, unlock, nil
}

// credentialsAt is openCredentials with the server that the account is at.
func (a *app) credentialsAt(ctx context.Context, o *account) (server string, c *credentials, unlock func(), err error) {
	if server, err = o.origin(); err != nil {
		return "", nil, nil, err
	}
	c, unlock, err = a.openCredentials(ctx, o)
	return server, c, unlock, err
}

func (a *app) configDir(o *account) (string, error) {
	if o.configDir != "" {
		return filepath.Abs(o.configDir)
	}
	if base := a.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "lmz"), nil
	}
	base, err := os.UserConfigDir()
	if err != nil {
		return "", usagef("--config-dir DIR", "no directory to keep sign-ins in: %v", err)
	}
	return filepath.Join(base, "lmz"), nil
}

// read refuses a file that others can read or that leads elsewhere: its secrets may
// be known, or not be ours.
func (c *credentials) read() error {
	info, err := os.Lstat(c.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("sign-ins cannot be read: %w", err)
	case !info.Mode().IsRegular():
		return failf(exitLogin, "remove it and sign in again", "%s is not a regular file", c.path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return failf(exitLogin, "chmod 600 "+c.path, "%s can be read by others", c.path)
	}
	data, err := textin.ReadFile(c.path)
	if err != nil {
		return fmt.Errorf("sign-ins cannot be read: %w", err)
	}
	if err := json.Unmarshal([]byte(data), &c.servers); err != nil {
		return failf(exitLogin, "remove it and sign in again", "%s is damaged: %v", c.path, err)
	}
	for _, server := range slices.Sorted(maps.Keys(c.servers)) {
		c.respell(server)
	}
	return nil
}

// respell has what was kept for a server under another spelling found under the one of
// today, unless there is something already. The next write makes it last.
func (c *credentials) respell(server string) {
	o, err := origin.Parse(server)
	now := o.String()
	if _, taken := c.servers[now]; err != nil || taken {
		return
	}
	at := c.servers[server]
	for email, s := range at.Accounts {
		if !s.Keyring || !c.keyring {
			continue
		}
		if s.Secrets, _, err = readKeyring(server, s.Email); err != nil || s.Secrets == nil || writeKeyring(now, s.Email, *s.Secrets) != nil {
			return // it needs a sign-in
		}
		s.Secrets = nil
		at.Accounts[email] = s
	}
	delete(c.servers, server)
	c.servers[now] = at
}

// get returns the sign-in of an account at a server, with its secrets. No address means
// the active one.
func (c *credentials) get(server, email string) (s signIn, found bool, err error) {
	at := c.servers[server]
	if email = sameAddress(email); email == "" {
		email = at.Active
	}
	s, found = at.Accounts[email]
	if !found || !s.Keyring {
		return s, found && s.Secrets != nil, nil
	}
	s.Secrets, found, err = readKeyring(server, s.Email)
	return s, found, err
}

// kept is the sign-in of an account at a server, without its secrets, as far as there is
// one. It is read even when ctx is over.
func (a *app) kept(ctx context.Context, o *account, server string) signIn {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // for the lock
	defer cancel()
	c, unlock, err := a.openCredentials(ctx, o)
	if err != nil {
		return signIn{Email: o.email}
	}
	defer unlock()
	at := c.servers[server]
	email := cmp.Or(sameAddress(o.email), at.Active)
	return signIn{Email: email, Subject: at.Accounts[email].Subject}
}

// put keeps a sign-in: its secrets in the keyring, or if there is none in the file. The
// first at a server becomes the active one.
func (c *credentials) put(server string, s signIn) (inFile bool, err error) {
	s.Email = sameAddress(s.Email)
	s.Keyring = c.keyring && writeKeyring(server, s.Email, *s.Secrets) == nil
	if s.Keyring {
		s.Secrets = nil
	}
	at := c.servers[server]
	if at.Accounts == nil {
		at.Accounts = make(map[string]signIn)
	}
	at.Accounts[s.Email] = s
	if at.Active == "" {
		at.Active = s.Email
	}
	c.servers[server] = at
	return !s.Keyring, c.write()
}

// use makes an account the active one at its server. It must be kept.
func (c *credentials) use(server, email string) error {
	at := c.servers[server]
	at.Active = sameAddress(email)
	c.servers[server] = at
	return c.write()
}

// remove forgets a sign-in. If one other remains at the server, that one is active then.
func (c *credentials) remove(server, email string) error {
	at := c.servers[server]
	s, found := at.Accounts[sameAddress(email)]
	if !found {
		return nil
	}
	delete(at.Accounts, s.Email)
	if at.Active == s.Email {
		at.Active = ""
	}
	if len(at.Accounts) == 1 {
		for at.Active = range at.Accounts {
		}
	}
	c.servers[server] = at
	if len(at.Accounts) == 0 {
		delete(c.servers, server)
	}
	err := c.write()
	if s.Keyring {
		err = errors.Join(err, deleteKeyring(server, s.Email))
	}
	return err
}

// write replaces the file in one step: a crash leaves the old one or the new one.
func (c *credentials) write() error {
	data, err := json.MarshalIndent(c.servers, "", "  ")
	if err != nil {
		return err
	}
	if err := wholefile.Write(c.path, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("sign-ins cannot be kept: %w", err)
	}
	return nil
}
