package auth

import (
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/mail"
	"github.com/lumenize/lmz/auth/internal/outbox"
	"github.com/lumenize/lmz/auth/internal/secret"
	"github.com/lumenize/lmz/auth/internal/store"
)

// A client that requests too many links is refused. When others have exhausted a shared limit, a
// refusal would lock out the owner of an address, and one that depended on the account would
// reveal whether there is one. So the answer stays the same then and costs the same, but the mail
// is withheld unless the client has a share of its own: a part of each hour's mails is reserved
// for approved accounts, and clients in a network where the owner of the address has a session do
// not count as strangers to it.

const (
	// clientsPerAddress is how many clients can use up the mails to one address.
	clientsPerAddress = 3
	// asksPerMail bounds requests that send no mail: each one writes to disk.
	asksPerMail = 100
	// keptFor is the period in which approved accounts get their part of the mails.
	keptFor = time.Hour
)

// notice is sent instead of a mail to clients that may get none, whether the address is known or
// not.
const notice = "Many links were requested recently, so this one may not arrive. Try again in an hour, if you can in a browser where you have signed in before."

// ask is an allowed request for a link.
type ask struct {
	free    bool // no limits apply
	browser bool // the browser is known and has its own limit
	crowded bool // others have used up a shared limit:
	address bool // that of the address
	network bool // that of the wider networks of the client
	first   bool // this is the first request to notice
}

// notice returns what to tell the client besides the usual answer, or "".
func (a ask) notice() string {
	if a.crowded {
		return notice
	}
	return ""
}

// mayAsk counts a request for a link, and refuses a client that sends too many.
func (s *Service) mayAsk(r *request, email string) (ask, error) {
	if s.opts.AutoApprove {
		return ask{free: true}, nil
	}
	l := s.opts.Limits
	known, err := s.knownBrowser(r, email)
	if err != nil {
		return ask{}, err
	}
	if known != "" {
		crowd, first := s.limits.Wait(s.strangersRule()) // for an account that is not approved
		return ask{browser: true, crowded: crowd > 0, first: first}, limited(s.limits.Take(
			limit.Rule{Key: "browser " + known, Max: l.MailsPerAddress, Every: shortWindow},
			limit.Rule{Key: "browser daily " + known, Max: l.MailsPerAddressDaily, Every: day, Paced: true},
			limit.Rule{Key: "browsers " + email, Max: clientsPerAddress * l.MailsPerAddress, Every: shortWindow},
			limit.Rule{Key: "browsers daily " + email, Max: clientsPerAddress * l.MailsPerAddressDaily, Every: day, Paced: true},
		))
	}
	own := limit.PerClient("ip", r.ip, l.MailsPerIP, shortWindow)
	to := email + " " + limit.Site(r.ip)
	err = limited(s.limits.Take(append(own,
		limit.Rule{Key: "address " + to, Max: l.MailsPerAddress, Every: shortWindow},
		limit.Rule{Key: "address daily " + to, Max: l.MailsPerAddressDaily, Every: day, Paced: true},
		limit.Rule{Key: "asks", Max: asksPerMail * l.MailsPerHour, Every: time.Hour, Common: true},
	)...))
	if err != nil {
		return ask{}, err
	}
	var a ask
	wait, first := s.limits.Take(
		limit.Rule{Key: "address " + email, Max: clientsPerAddress * l.MailsPerAddress, Every: shortWindow},
		limit.Rule{Key: "address daily " + email, Max: clientsPerAddress * l.MailsPerAddressDaily, Every: day, Paced: true},
	)
	a.address = wait > 0
	netWait, netFirst := s.limits.Take(limit.PerNeighbourhood("ip", r.ip, l.MailsPerIP, l.MailsPerHour, shortWindow)...)
	a.network = netWait > 0
	allWait, allFirst := s.limits.Wait(s.strangersRule())
	a.crowded, a.first = wait+netWait+allWait > 0, first || netFirst || allFirst
	return a, nil
}

// strangersRule is the share of the mails that is open to everybody.
func (s *Service) strangersRule() limit.Rule {
	n := s.opts.Limits.MailsPerHour
	return limit.Rule{Key: "mails", Max: n - max(n/2, 0), Every: time.Hour, Common: true}
}

// keptRule is the share that is reserved for approved accounts.
func (s *Service) keptRule() limit.Rule {
	return limit.Rule{Key: "mails kept", Max: max(s.opts.Limits.MailsPerHour/2, 0), Every: keptFor, Common: true}
}

// mayMail reports whether a requested link is mailed. Which share a mail counts towards must not
// depend on the account while both have some left, or strangers could find out by counting their
// own mails.
func (s *Service) mayMail(r *request, a ask, to recipient) bool {
	switch {
	case a.free, a.browser && to.approved:
		return true
	case a.address && !to.familiar:
		return false
	}
	if !a.network {
		if wait, _ := s.limits.Take(s.strangersRule()); wait == 0 {
			return true
		}
	}
	if !to.approved {
		return false
	}
	wait, first := s.limits.Take(s.keptRule())
	if first {
		s.log.Warn("the mails reserved for approved accounts are used up", "for", wait, "request", r.id)
	}
	return wait == 0
}

// recipient is what the service knows about an address.
type recipient struct {
	account  bool // it exists
	approved bool
	familiar bool // it has a session in the network of the client
}

// recipientOf looks up an address in the same number of steps, whatever it is.
func recipientOf(tx store.Tx, email, ip string) (to recipient, err error) {
	subj, err := tx.SubjectByEmail(email)
	if err == store.ErrNotFound {
		subj, err = store.Subject{}, nil
	}
	if err != nil {
		return to, err
	}
	to.account, to.approved = subj.Sub != "", subj.AdminApproved || subj.IsAdmin
	to.familiar, err = tx.HasSessionAt(subj.Sub, limit.Site(ip))
	return to, err
}

// mailLink mails the link of a stored token, or withholds it. Either way it writes the same rows,
// and so takes as long; the outbox deletes withheld mails. Where browsers have to pass Turnstile,
// which terminals cannot show, only known addresses and that of the first admin get links for
// terminals: otherwise terminals would bypass it.
func (s *Service) mailLink(tx store.Tx, r *request, a ask, l mail.Letter, lifetime time.Duration, token string) error {
	l.Link = s.linkURL(token)
	terminal := l.Where != ""
	e := event{name: "login.requested", actor: bySystem, email: l.To}
	if terminal {
		l.IP, l.When = r.ip, s.now().UTC().Format("15:04 UTC")
		e.details = map[string]any{"terminal": l.Where}
	}
	to, err := recipientOf(tx, l.To, r.ip)
	if err != nil {
		return err
	}
	d := outbox.Delivery{Lifetime: lifetime, Token: secret.Hash(token)}
	if d.Event, err = s.recorded(tx, r, e); err != nil {
		return err
	}
	now := s.changeable.Load()
	switch {
	case now.TurnstileSecret != "" && terminal && l.To != now.BootstrapEmail && !to.account, !s.mayMail(r, a, to):
		d.Rank = store.RankWithheld
		r.events[len(r.events)-1].name = "login.withheld" // for the log
	case !to.account:
		d.Rank = store.RankStranger
	}
	return s.queue(tx, l, d)
}

// noteCrowd records, once, that others have used up a shared limit.
func (s *Service) noteCrowd(r *request, a ask) {
	if !a.first {
		return
	}
	limit := "mails"
	switch {
	case a.address:
		limit = "mails to one address"
	case a.network:
		limit = "mails to one network"
	}
	s.recordFailure(r, event{name: "rate.limited", details: map[string]any{"endpoint": r.Method + " " + r.URL.Path, "limit": limit}})
}
