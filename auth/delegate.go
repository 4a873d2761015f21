package auth

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/lumenize/lmz/auth/internal/token"
	"github.com/lumenize/lmz/internal/printable"
)

// maxListed is how many may act for one subject, besides admins: they are shown with it.
const maxListed = 1000

var (
	errMayNotAct  = forbidden("Not authorized to act for this subject")
	errManyActors = badRequest("invalid_request", "At most 1,000 actors may act for one subject: remove one first")
	errTooManyAct = forbidden("Too many act for each other: a chain has at most 3 actors")
	errNotEntered = &Error{Status: http.StatusForbidden, Code: "access_denied", Description: "Account not yet approved"}
)

// actorFor returns the subject sub if it may act for principal: it is let in
// itself, and is an admin or on the principal's list.
func (d db) actorFor(principal subject, sub string) (subject, error) {
	actor, err := d.subjectBy("sub", sub)
	if err == errNoSubject {
		return actor, errMayNotAct
	}
	if err != nil {
		return actor, err
	}
	if !mayEnter(actor.isAdmin, actor.emailVerified, actor.adminApproved) {
		return actor, errNotEntered
	}
	if actor.isAdmin {
		return actor, nil
	}
	return actor, d.listedFor(principal, actor)
}

func (d db) listedFor(principal, actor subject) error {
	listed, err := d.one("SELECT 1 FROM AuthorizedActors WHERE principalSub = :principal AND actorSub = :actor",
		args{":principal": principal.sub, ":actor": actor.sub}, nil)
	if err == nil && !listed {
		return errMayNotAct
	}
	return err
}

// delegate makes an access token by which the caller acts for somebody else
// (RFC 8693). It carries no admin rights, whosever it is, lives no longer than what
// the caller came with, and names everyone in between.
func (s *Service) delegate(w http.ResponseWriter, r *request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	var out tokens
	err = s.asCaller(r, func(d db, who caller) error {
		var b struct {
			ActFor string `json:"actFor"`
		}
		if err := decodeBody(body, &b); err != nil {
			return err
		}
		if b.ActFor == "" {
			return badRequest("invalid_request", "actFor required")
		}
		principal, err := d.subjectBy("sub", b.ActFor)
		if errors.Is(err, errNoSubject) {
			return errUnknown
		}
		if err != nil {
			return err
		}
		if err := s.mayDelegate(d, who, principal); err != nil {
			return err
		}
		now := s.now()
		g := grantTo(principal, earlier(now.Add(s.opts.AccessTTL), who.expires))
		g.IsAdmin, g.Session, g.Actors = false, who.session, slices.Insert(slices.Clone(who.actors), 0, who.sub)
		if out, err = s.signAccess(g, now); err != nil {
			return err
		}
		return s.recordOften(d, r, event{name: "token.delegated", actor: who.sub, target: principal.sub, email: principal.email,
			details: map[string]any{"actors": g.Actors}})
	})
	if err == nil {
		writeJSON(w, http.StatusOK, out)
	}
	return err
}

func (s *Service) mayDelegate(d db, who caller, principal subject) error {
	switch {
	case !mayEnter(who.isAdmin, who.emailVerified, who.adminApproved):
		return errNotEntered
	case !s.now().Before(who.expires):
		return errExpiredToken
	case len(who.actors) >= token.MaxActors:
		return errTooManyAct
	case who.isAdmin && len(who.actors) == 0:
		return nil
	}
	return d.listedFor(principal, who.subject)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (s *Service) addActor(w http.ResponseWriter, r *request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	var shown shownSubject
	err = s.asAdmin(r, func(d db, who caller) error {
		var b struct {
			ActorSub string `json:"actorSub"`
		}
		if err := decodeBody(body, &b); err != nil {
			return err
		}
		if b.ActorSub == "" {
			return badRequest("invalid_request", "actorSub required")
		}
		principal, err := d.target(r)
		if err != nil {
			return err
		}
		actor, err := d.subjectBy("sub", b.ActorSub)
		if err == errNoSubject {
			return badRequest("invalid_request", "Actor ID not found: "+printable.StripCut(b.ActorSub, 64))
		}
		if err != nil {
			return err
		}
		added, err := d.one("INSERT INTO AuthorizedActors (principalSub, actorSub) VALUES (:principal, :actor) ON CONFLICT DO NOTHING RETURNING 1",
			args{":principal": principal.sub, ":actor": actor.sub}, nil)
		if err != nil {
			return err
		}
		if listed, err := d.number("SELECT count(*) FROM AuthorizedActors WHERE principalSub = :principal", args{":principal": principal.sub}); err != nil || added && listed > maxListed {
			return cmp.Or(err, error(errManyActors))
		}
		if added {
			if err := s.recordActor(d, r, "actor.added", who, principal, actor.sub); err != nil {
				return err
			}
		}
		shown, err = d.show(principal)
		return err
	})
	if err == nil {
		writeSubject(w, shown)
	}
	return err
}

func (s *Service) removeActor(w http.ResponseWriter, r *request) error {
	return s.onSubject(w, r, func(d db, who caller, principal subject) error {
		removed, err := d.one("DELETE FROM AuthorizedActors WHERE principalSub = :principal AND actorSub = :actor RETURNING 1",
			args{":principal": principal.sub, ":actor": r.vars[1]}, nil)
		if err != nil || !removed {
			return err
		}
		return s.recordActor(d, r, "actor.removed", who, principal, r.vars[1])
	})
}

func (s *Service) recordActor(d db, r *request, name string, who caller, principal subject, actor string) error {
	return s.record(d, r, event{name: name, actor: who.sub, target: principal.sub, email: principal.email,
		details: map[string]any{"actor": actor}})
}
