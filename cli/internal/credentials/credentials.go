// Package credentials stores sign-ins by server and account. Secrets are in the system's
// keyring, or else in a file that only the user can read.
package credentials

import (
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

	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/cli/internal/exit"
	"github.com/lumenize/lmz/internal/origin"
	"github.com/lumenize/lmz/internal/textin"
	"github.com/lumenize/lmz/internal/wholefile"
)

// signIns are the sign-ins at one server.
type signIns struct {
	Active   string            `json:"active,omitempty"` // the address of the account that commands use
	Accounts map[string]SignIn `json:"accounts"`         // by address
}

// SignIn is the stored sign-in of one account at one server.
type SignIn struct {
	Email   string `json:"email"`
	Subject string `json:"sub"`
	Keyring bool   `json:"keyring,omitempty"` // the secrets are in the keyring

	Secrets *Secrets `json:"secrets,omitempty"`
}

// Secrets let whoever has them act as the user.
type Secrets struct {
	Refresh string    `json:"refresh_token"`
	Access  string    `json:"access_token"`
	Expires time.Time `json:"access_expires"`
}

// File is the file credentials.json: sign-ins by server, with the secrets that are not in the
// keyring. Use its methods only while holding the lock. It is not safe for concurrent use.
type File struct {
	path    string
	keyring bool
	servers map[string]signIns
}

// Open locks the credentials in a directory against other processes and reads them. It creates
// the directory if necessary, and waits for the lock until ctx ends. With keyring, secrets are
// stored in the system's keyring if there is one.
func Open(ctx context.Context, dir string, keyring bool) (f *File, unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("cannot store sign-ins: %w", err)
	}
	unlock, err = lockFile(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot lock sign-ins: %w", err)
	}
	f = &File{path: filepath.Join(dir, "credentials.json"), keyring: keyring, servers: make(map[string]signIns)}
	if err := f.read(); err != nil {
		unlock()
		return nil, nil, err
	}
	return f, unlock, nil
}

// Path returns the path of the file.
func (f *File) Path() string { return f.path }

// Active returns the address of the account that commands use at a server, or "".
func (f *File) Active(server string) string { return f.servers[server].Active }

// Emails returns the addresses of the accounts that are kept for a server, sorted.
func (f *File) Emails(server string) []string {
	return slices.Sorted(maps.Keys(f.servers[server].Accounts))
}

// Find returns the sign-in of an account at a server, without its secrets if these are in
// the keyring. An empty address means the active one.
func (f *File) Find(server, email string) (s SignIn, found bool) {
	at := f.servers[server]
	if email = SameAddress(email); email == "" {
		email = at.Active
	}
	s, found = at.Accounts[email]
	return s, found
}

// Entry is a sign-in at a server.
type Entry struct {
	Server, Email string
	SignIn        SignIn // as of [File.Find]
	Active        bool   // commands use it at its server
}

// All returns all that are kept, by server and address.
func (f *File) All() []Entry {
	var all []Entry
	for _, server := range slices.Sorted(maps.Keys(f.servers)) {
		at := f.servers[server]
		for _, email := range f.Emails(server) {
			all = append(all, Entry{server, email, at.Accounts[email], email == at.Active})
		}
	}
	return all
}

// read rejects a file that other users can read, or that is not a regular file: its secrets may
// be known to others, or not be ours.
func (f *File) read() error {
	info, err := os.Lstat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cannot read sign-ins: %w", err)
	case !info.Mode().IsRegular():
		return exit.Errorf(exit.Login, "remove it and sign in again", "%s is not a regular file", f.path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return exit.Errorf(exit.Login, "chmod 600 "+f.path, "%s is readable by other users", f.path)
	}
	data, err := textin.ReadFile(f.path)
	if err != nil {
		return fmt.Errorf("cannot read sign-ins: %w", err)
	}
	if err := json.Unmarshal([]byte(data), &f.servers); err != nil {
		return exit.Errorf(exit.Login, "remove it and sign in again", "%s is damaged: %v", f.path, err)
	}
	for _, server := range slices.Sorted(maps.Keys(f.servers)) {
		f.respell(server)
	}
	return nil
}

// respell moves the sign-ins stored under an old spelling of a server to the canonical one,
// unless that has some. The next write saves it.
func (f *File) respell(server string) {
	o, err := origin.Parse(server)
	now := o.String()
	if _, taken := f.servers[now]; err != nil || taken {
		return
	}
	at := f.servers[server]
	for email, s := range at.Accounts {
		if !s.Keyring || !f.keyring {
			continue
		}
		if s.Secrets, _, err = readKeyring(server, s.Email); err != nil || s.Secrets == nil || writeKeyring(now, s.Email, *s.Secrets) != nil {
			return // it needs a sign-in
		}
		s.Secrets = nil
		at.Accounts[email] = s
	}
	delete(f.servers, server)
	f.servers[now] = at
}

// Get is [File.Find] with the secrets.
func (f *File) Get(server, email string) (s SignIn, found bool, err error) {
	s, found = f.Find(server, email)
	if !found || !s.Keyring {
		return s, found && s.Secrets != nil, nil
	}
	s.Secrets, found, err = readKeyring(server, s.Email)
	return s, found, err
}

// Put stores a sign-in, with its secrets in the keyring or else in the file. The first one at a
// server becomes the active one.
func (f *File) Put(server string, s SignIn) (inFile bool, err error) {
	s.Email = SameAddress(s.Email)
	s.Keyring = f.keyring && writeKeyring(server, s.Email, *s.Secrets) == nil
	if s.Keyring {
		s.Secrets = nil
	}
	at := f.servers[server]
	if at.Accounts == nil {
		at.Accounts = make(map[string]SignIn)
	}
	at.Accounts[s.Email] = s
	if at.Active == "" {
		at.Active = s.Email
	}
	f.servers[server] = at
	return !s.Keyring, f.write()
}

// Use makes an account, which must be stored, the active one at its server.
func (f *File) Use(server, email string) error {
	at := f.servers[server]
	at.Active = SameAddress(email)
	f.servers[server] = at
	return f.write()
}

// Remove deletes a sign-in. If exactly one other remains at the server, it becomes active.
func (f *File) Remove(server, email string) error {
	at := f.servers[server]
	s, found := at.Accounts[SameAddress(email)]
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
	f.servers[server] = at
	if len(at.Accounts) == 0 {
		delete(f.servers, server)
	}
	err := f.write()
	if s.Keyring {
		err = errors.Join(err, deleteKeyring(server, s.Email))
	}
	return err
}

// write replaces the file in one step: a crash leaves the old one or the new one.
func (f *File) write() error {
	data, err := json.MarshalIndent(f.servers, "", "  ")
	if err != nil {
		return err
	}
	if err := wholefile.Write(f.path, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot store sign-ins: %w", err)
	}
	return nil
}

// SameAddress returns the canonical form of an email address, under which sign-ins are stored.
func SameAddress(email string) string {
	email, _ = auth.NormalEmail(email)
	return email
}
