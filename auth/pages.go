package auth

import (
	"cmp"
	"time"

	"github.com/lumenize/lmz/auth/internal/duration"
	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/page"
	"github.com/lumenize/lmz/auth/internal/store"
)

func (s *Service) appName() string { return s.changeable.Load().AppName }

// confirmPage asks whether to use the link of a browser, or of a terminal with a listener.
func (s *Service) confirmPage(l store.Link, action string) page.Page {
	c := page.Confirm{App: s.appName(), Email: l.Email, Action: action}
	if l.Listener == nil {
		return c.Page(s.opts.Redirect)
	}
	c.Terminal = &page.ListenerInfo{Hostname: l.Listener.Hostname, Client: l.Listener.Client, Asked: duration.Ago(s.now().Sub(l.CreatedAt)),
		Lasts: s.lasts(), Device: !s.opts.NoDeviceFlow}
	return c.Page(l.Listener.RedirectURI)
}

// devicePage asks for the code of a terminal. ip is the address of the browser.
func (s *Service) devicePage(l store.Link, dev store.Device, action, ip, wrong string) page.Page {
	from := cmp.Or(l.IP, "an unknown address")
	if limit.Network(l.IP) == limit.Network(ip) {
		from += ", the network that you are in"
	} else {
		from += ", a different network from yours (" + ip + ")"
	}
	return page.Code{App: s.appName(), Email: l.Email, Label: dev.Label, Asked: duration.Ago(s.now().Sub(l.CreatedAt)), From: from,
		Lasts: s.lasts(), Action: action, Wrong: wrong}.Page()
}

// lasts returns, in words, how long a terminal stays signed in.
func (s *Service) lasts() string {
	if s.opts.SessionTTL > 0 {
		return "for at most " + duration.Words(s.opts.SessionTTL) + ", or until you end it"
	}
	return "until you end it, or do not use it for " + duration.Words(s.opts.RefreshTTL)
}

func approvePage(subj store.Subject, action string) page.Page {
	if subj.AdminApproved {
		return page.Message("Already approved", subj.Email+" has been approved already.")
	}
	return page.Approve(subj.Email, subj.EmailVerified, action)
}

// errorPage shows a refusal to people.
func (s *Service) errorPage(e *Error) page.Page {
	line := e.sentence()
	switch {
	case e == errMissingToken, e == errMissingInvite:
		line = "The link is incomplete. Open it again from the mail, or copy all of it."
	case e == errCrossOrigin:
		line = "Another site sent this request in your name. Nothing has happened."
	case e.RetryAfter > 0:
		line = "Too many requests came from your network. Try again in " + duration.Words(e.RetryAfter.Truncate(time.Minute)+time.Minute) + "."
	}
	return page.Failure(s.appName(), s.opts.Redirect, line)
}
