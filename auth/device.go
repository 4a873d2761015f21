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

	"github.com/lumenize/lmz/auth/internal/secret"
	"zombiezen.com/go/sqlite"
)

// A terminal without a browser signs in by a code that its user types into the
// page behind the mailed link (RFC 8628). The link alone lets nobody in, and
// neither does the code: comparing two texts and pressing yes is what people do
// without looking.

const (
	deviceTries    = 5 // wrong codes until the request is void
	userCodeLength = 8
	pollsPerDevice = 300 // in 15 minutes; at the interval that terminals are told it is 120
	// No vowels, so that no words come out, and nothing that looks like
	// something else (RFC 8628 6.1).
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
)

// device is a row of Devices.
type device struct {
	hash      string
	codeMac   string
	email     string
	label     string
	state     string
	subject   string
	tries     int64
	interval  int64 // seconds
	polledAt  int64
	expiresAt int64
}

var (
	errPending  = badRequest("authorization_pending", "Nobody has typed the code yet")
	errSlowDown = badRequest("slow_down", "Ask less often: the interval is 5 seconds longer now")
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
		return notFoundError("This server has no sign-in by a typed code")
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
	names := cliRequest{client: label(body.Client, "a terminal program"), hostname: label(firstLabel(body.Hostname), "an unnamed computer")}
	ttl := min(cliLinkTTL, s.opts.LinkTTL)
	code, userCode, token := secret.New(), newUserCode(), secret.New()
	err = s.tx(r, func(d db) error {
		now := s.now()
		mac, err := s.keys.MAC("user code", userCode)
		if err != nil {
			return err
		}
		dev := device{hash: secret.Hash(code), codeMac: mac, email: email, label: names.label(), interval: cliInterval, expiresAt: now.Add(ttl).UnixMilli()}
		if err := d.insertDevice(dev); err != nil {
			return err
		}
		err = d.insertLink(token, link{email: email, createdAt: now, expiresAt: now.Add(ttl), ip: r.ip, device: dev.hash})
		if err != nil {
			return err
		}
		return s.mailLink(d, r, a, Letter{Kind: KindDeviceLink, To: email, Link: s.linkURL(token), life: ttl,
			Where: names.label(), Program: names.client, Computer: names.hostname}, token)
	})
	if err != nil {
		return err
	}
	s.noteCrowd(r, a)
	s.deliver()
	if err := s.refusals.of(email); err != nil {
		return err
	}
	// The same for every address, known or not.
	writeJSON(w, http.StatusOK, struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
		ExpiresIn  int64  `json:"expires_in"`
		Interval   int    `json:"interval"`
		Notice     string `json:"notice,omitempty"`
	}{code, userCode[:4] + "-" + userCode[4:], int64(ttl / time.Second), cliInterval, a.notice()})
	return nil
}

// newUserCode returns 8 letters: 34 bits, of which there are 5 tries.
func newUserCode() string {
	var code strings.Builder
	for code.Len() < userCodeLength {
		b := make([]byte, 1)
		rand.Read(b)
		if n := int(b[0]); n < 256/len(userCodeLetters)*len(userCodeLetters) { // each letter equally often
			code.WriteByte(userCodeLetters[n%len(userCodeLetters)])
		}
	}
	return code.String()
}

// plainUserCode forgives how a code is typed: case, dashes, spaces.
func plainUserCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(userCodeLetters, r) {
			return r
		}
		return -1
	}, strings.ToUpper(typed))
}

// useDeviceLink takes what was typed into the page behind the link of a terminal.
func (s *Service) useDeviceLink(d db, r *request, l link, token string, form url.Values) (used, error) {
	u := used{link: l}
	dev, err := d.device(l.device, s.now())
	if err != nil {
		return u, err
	}
	if form.Get("answer") == "no" {
		return s.denyDevice(d, r, u, dev, token, "user")
	}
	mac, err := s.keys.MAC("user code", plainUserCode(form.Get("user_code")))
	if err != nil {
		return u, err
	}
	if subtle.ConstantTimeCompare([]byte(mac), []byte(dev.codeMac)) != 1 {
		return s.wrongCode(d, r, u, dev, token)
	}
	if err := d.dropLink(token); err != nil {
		return u, err
	}
	subj, err := s.verified(d, r, l.email)
	if err != nil {
		return u, err
	}
	err = d.exec("UPDATE Devices SET state = 'approved', subjectId = :sub WHERE deviceHash = :hash", args{":sub": subj.sub, ":hash": dev.hash}, nil)
	if err != nil {
		return u, err
	}
	done := s.messagePage("Your terminal is signed in", "It goes on by itself within seconds. You can close this page.")
	u.page = &done
	return u, errors.Join(s.askAdmins(d, r, subj), s.record(d, r, event{name: "login.approved", actor: bySystem, target: subj.sub, email: l.email,
		details: map[string]any{"terminal": dev.label}}))
}

func (s *Service) wrongCode(d db, r *request, u used, dev device, token string) (used, error) {
	s.countFailure(r)
	left := deviceTries - dev.tries - 1
	err := s.record(d, r, event{name: "login.failed", failed: true, actor: bySystem, email: dev.email,
		details: map[string]any{"method": "device", "reason": "wrong_code", "left": left}})
	if err != nil {
		return u, err
	}
	if left <= 0 {
		return s.denyDevice(d, r, u, dev, token, "tries")
	}
	say := "That is not the code on your terminal. " + tries(left)
	again := s.devicePage(u.link, dev, s.linkPath(token), r.ip, say)
	u.page, u.status = &again, http.StatusUnprocessableEntity
	return u, d.exec("UPDATE Devices SET tries = tries + 1 WHERE deviceHash = :hash", args{":hash": dev.hash}, nil)
}

func tries(left int64) string {
	if left == 1 {
		return "You have one more try."
	}
	return fmt.Sprintf("You have %d more tries.", left)
}

func (s *Service) denyDevice(d db, r *request, u used, dev device, token, by string) (used, error) {
	if err := d.dropLink(token); err != nil {
		return u, err
	}
	err := d.exec("UPDATE Devices SET state = 'denied' WHERE deviceHash = :hash", args{":hash": dev.hash}, nil)
	if err != nil {
		return u, err
	}
	lines := []string{"Nobody was signed in.", "If you did not start this, there is nothing more to do."}
	if by == "tries" {
		u.status = http.StatusForbidden
		lines = []string{"The code was wrong five times, so this link does not work any more.", "Start again on your terminal."}
	}
	done := s.messagePage("The terminal was refused", lines...)
	u.page = &done
	return u, s.record(d, r, event{name: "login.denied", failed: true, actor: bySystem, email: dev.email, details: map[string]any{"by": by, "terminal": dev.label}})
}

// poll answers a terminal that asks whether its code was typed. It is told yes
// once.
func (s *Service) poll(d db, code string) (newSession, error) {
	now := s.now()
	dev, found, err := d.findDevice(secret.Hash(code))
	if err != nil {
		return newSession{}, err
	}
	switch {
	case !found:
		return newSession{}, errInvalidGrant
	case dev.state == "denied":
		return newSession{}, errDenied
	case now.UnixMilli() > dev.expiresAt:
		return newSession{}, errExpired
	case dev.state == "approved":
		n := newSession{sub: dev.subject, label: dev.label}
		return n, d.exec("DELETE FROM Devices WHERE deviceHash = :hash", args{":hash": dev.hash}, nil)
	}
	// A little early is on time: clocks and networks are not exact.
	refusal := errPending
	if early := dev.polledAt + dev.interval*1000 - now.UnixMilli(); dev.polledAt != 0 && early > 500 {
		dev.interval += 5
		refusal = errSlowDown
	}
	err = d.exec("UPDATE Devices SET polledAt = :now, interval = :interval WHERE deviceHash = :hash",
		args{":now": now.UnixMilli(), ":interval": dev.interval, ":hash": dev.hash}, nil)
	if err != nil {
		return newSession{}, err
	}
	return newSession{}, refusal
}

func (d db) insertDevice(dev device) error {
	return d.exec(`INSERT INTO Devices (deviceHash, userCodeMac, email, label, interval, expiresAt)
		VALUES (:hash, :mac, :email, :label, :interval, :expires)`,
		args{":hash": dev.hash, ":mac": dev.codeMac, ":email": dev.email, ":label": dev.label, ":interval": dev.interval,
			":expires": dev.expiresAt}, nil)
}

func (d db) findDevice(hash string) (dev device, found bool, err error) {
	found, err = d.one("SELECT * FROM Devices WHERE deviceHash = :hash", args{":hash": hash}, func(stmt *sqlite.Stmt) {
		dev = device{
			hash: hash, codeMac: stmt.GetText("userCodeMac"), email: stmt.GetText("email"), label: stmt.GetText("label"),
			state: stmt.GetText("state"), subject: stmt.GetText("subjectId"), tries: stmt.GetInt64("tries"),
			interval: stmt.GetInt64("interval"), polledAt: stmt.GetInt64("polledAt"), expiresAt: stmt.GetInt64("expiresAt"),
		}
	})
	return dev, found, err
}

// device returns the terminal behind a link, if it still waits.
func (d db) device(hash string, now time.Time) (device, error) {
	dev, found, err := d.findDevice(hash)
	if err == nil && (!found || dev.state != "pending") {
		err = errInvalidLink
	} else if err == nil && now.UnixMilli() > dev.expiresAt {
		err = errExpiredLink
	}
	return dev, err
}
