package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/page"
	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

// A terminal without a browser signs in with a code that its user enters on the page behind the
// mailed link (RFC 8628). Neither the link nor the code is enough alone. Users are not asked to
// compare two codes and confirm, because they would confirm without looking.

const (
	deviceTries    = 5 // wrong codes until the request is denied
	userCodeLength = 8
	pollsPerDevice = 300 // in 15 minutes; terminals that keep to the interval need 120
	// No vowels, so that no words result, and no letters that resemble others (RFC 8628 6.1).
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
)

var (
	errPending  = badRequest("authorization_pending", "Nobody has entered the code yet")
	errSlowDown = badRequest("slow_down", "Poll less often: the interval is 5 seconds longer now")
	errDenied   = badRequest("access_denied", "The sign-in was refused")
	errExpired  = badRequest("expired_token", "The code has expired: start again")
)

func (s *Service) startDevice(w http.ResponseWriter, r *request) error {
	var body struct {
		Email    string `json:"email"`
		Client   string `json:"client_name"`
		Hostname string `json:"hostname"`
	}
	if s.opts.NoDeviceFlow {
		return notFoundError("This server does not offer sign-in with a code")
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	email, ok := NormalEmail(body.Email)
	if !ok {
		return errBadEmail
	}
	a, err := s.mayAsk(r, email)
	if err != nil {
		return err
	}
	names := &store.Listener{Client: label(body.Client, "a terminal program"), Hostname: label(firstLabel(body.Hostname), "an unnamed computer")}
	ttl := min(cliLinkTTL, s.opts.LinkTTL)
	code, userCode, token := secret.New(), newUserCode(), secret.New()
	err = s.tx(r, func(tx store.Tx) error {
		now := s.now()
		mac, err := s.keys.MAC("user code", userCode)
		if err != nil {
			return err
		}
		dev := store.Device{Hash: secret.Hash(code), CodeMAC: mac, Email: email, Label: terminalLabel(names), Interval: cliInterval, ExpiresAt: now.Add(ttl).UnixMilli()}
		if err := tx.InsertDevice(dev); err != nil {
			return err
		}
		err = tx.InsertLink(token, store.Link{Email: email, CreatedAt: now, ExpiresAt: now.Add(ttl), IP: r.ip, Device: dev.Hash})
		if err != nil {
			return err
		}
		return s.mailLink(tx, r, a, mail.Letter{Kind: mail.DeviceLink, To: email,
			Where: terminalLabel(names), Program: names.Client, Computer: names.Hostname}, ttl, token)
	})
	if err != nil {
		return err
	}
	s.noteCrowd(r, a)
	s.outbox.Deliver()
	if err := s.refusedTo(email); err != nil {
		return err
	}
	// The same answer for every address, known or not.
	writeJSON(w, http.StatusOK, struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
		ExpiresIn  int64  `json:"expires_in"`
		Interval   int    `json:"interval"`
		Notice     string `json:"notice,omitempty"`
	}{code, userCode[:4] + "-" + userCode[4:], int64(ttl / time.Second), cliInterval, a.notice()})
	return nil
}

// newUserCode returns 8 letters, 34 bits, for 5 tries.
func newUserCode() string {
	var code strings.Builder
	for code.Len() < userCodeLength {
		b := make([]byte, 1)
		rand.Read(b)
		if n := int(b[0]); n < 256/len(userCodeLetters)*len(userCodeLetters) { // all letters equally likely
			code.WriteByte(userCodeLetters[n%len(userCodeLetters)])
		}
	}
	return code.String()
}

// plainUserCode removes irrelevant differences in a typed code: case, dashes, spaces.
func plainUserCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(userCodeLetters, r) {
			return r
		}
		return -1
	}, strings.ToUpper(typed))
}

// useDeviceLink handles the form of the page behind the link of a terminal.
func (s *Service) useDeviceLink(tx store.Tx, r *request, l store.Link, token string, form url.Values) (used, error) {
	u := used{link: l}
	dev, err := waiting(tx, l.Device, s.now())
	if err != nil {
		return u, err
	}
	if form.Get("answer") == "no" {
		return s.denyDevice(tx, r, u, dev, token, "user")
	}
	mac, err := s.keys.MAC("user code", plainUserCode(form.Get("user_code")))
	if err != nil {
		return u, err
	}
	if subtle.ConstantTimeCompare([]byte(mac), []byte(dev.CodeMAC)) != 1 {
		return s.wrongCode(tx, r, u, dev, token)
	}
	if err := tx.DropLink(token); err != nil {
		return u, err
	}
	subj, err := s.verified(tx, r, l.Email)
	if err != nil {
		return u, err
	}
	err = tx.ApproveDevice(dev.Hash, subj.Sub)
	if err != nil {
		return u, err
	}
	done := page.Message("Your terminal is signed in", "It continues by itself within seconds. You can close this page.")
	u.page = &done
	return u, errors.Join(s.askAdmins(tx, r, subj), s.record(tx, r, event{name: "login.approved", actor: bySystem, target: subj.Sub, email: l.Email,
		details: map[string]any{"terminal": dev.Label}}))
}

func (s *Service) wrongCode(tx store.Tx, r *request, u used, dev store.Device, token string) (used, error) {
	s.countFailure(r)
	left := deviceTries - dev.Tries - 1
	err := s.record(tx, r, event{name: "login.failed", failed: true, actor: bySystem, email: dev.Email,
		details: map[string]any{"method": "device", "reason": "wrong_code", "left": left}})
	if err != nil {
		return u, err
	}
	if left <= 0 {
		return s.denyDevice(tx, r, u, dev, token, "tries")
	}
	say := "That is not the code on your terminal. " + tries(left)
	again := s.devicePage(u.link, dev, s.linkPath(token), r.ip, say)
	u.page, u.status = &again, http.StatusUnprocessableEntity
	return u, tx.CountTry(dev.Hash)
}

func tries(left int64) string {
	if left == 1 {
		return "You have one more try."
	}
	return fmt.Sprintf("You have %d more tries.", left)
}

func (s *Service) denyDevice(tx store.Tx, r *request, u used, dev store.Device, token, by string) (used, error) {
	if err := tx.DropLink(token); err != nil {
		return u, err
	}
	if err := tx.DenyDevice(dev.Hash); err != nil {
		return u, err
	}
	lines := []string{"Nobody was signed in.", "If you did not start this, there is nothing else to do."}
	if by == "tries" {
		u.status = http.StatusForbidden
		lines = []string{"The code was wrong five times, so this link no longer works.", "Start again on your terminal."}
	}
	done := page.Message("The terminal was refused", lines...)
	u.page = &done
	return u, s.record(tx, r, event{name: "login.denied", failed: true, actor: bySystem, email: dev.Email, details: map[string]any{"by": by, "terminal": dev.Label}})
}

// poll answers a terminal that asks whether its code was entered. Only one poll learns of an
// approval.
func (s *Service) poll(tx store.Tx, code string) (newSession, error) {
	now := s.now()
	dev, err := tx.Device(secret.Hash(code))
	switch {
	case err == store.ErrNotFound:
		return newSession{}, errInvalidGrant
	case err != nil:
		return newSession{}, err
	case dev.State == "denied":
		return newSession{}, errDenied
	case now.UnixMilli() > dev.ExpiresAt:
		return newSession{}, errExpired
	case dev.State == "approved":
		n := newSession{sub: dev.Subject, label: dev.Label}
		return n, tx.DeleteDevice(dev.Hash)
	}
	// Slightly early counts as on time: clocks and networks are inexact.
	refusal := errPending
	if early := dev.PolledAt + dev.Interval*1000 - now.UnixMilli(); dev.PolledAt != 0 && early > 500 {
		dev.Interval += 5
		refusal = errSlowDown
	}
	if err := tx.NotePoll(dev.Hash, dev.Interval, now); err != nil {
		return newSession{}, err
	}
	return newSession{}, refusal
}

// waiting returns the terminal behind a link, if it is still waiting.
func waiting(tx store.Tx, hash string, now time.Time) (store.Device, error) {
	dev, err := tx.PendingDevice(hash, now)
	return dev, linkProblem(err)
}
