package auth

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/lumenize/lmz/auth/internal/store"
	"github.com/lumenize/lmz/auth/internal/token"
	"github.com/lumenize/lmz/internal/printable"
)

// maxListed bounds the actors of one subject, not counting admins: they are shown with it.
const maxListed = 1000

// delegate issues an access token with which the caller acts for another subject (RFC 8693). It
// never carries admin rights, expires no later than the caller's own credential, and names all
// intermediate actors.
func (s *Service) delegate(w http.ResponseWriter, r *request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	var out tokens
	err = s.asCaller(r, func(tx store.Tx, who caller) error {
		var b struct {
			ActFor string `json:"actFor"`
		}
		if err := decodeBody(body, &b); err != nil {
			return err
		}
		if b.ActFor == "" {
			return badRequest("invalid_request", "actFor required")
		}
		principal, err := tx.Subject(b.ActFor)
		if errors.Is(err, store.ErrNotFound) {
			return errUnknown
		}
		if err != nil {
			return err
		}
		if err := s.mayDelegate(tx, who, principal); err != nil {
			return err
		}
		now := s.now()
		g := grantTo(principal, earlier(now.Add(s.opts.AccessTTL), who.expires))
		g.IsAdmin, g.Session, g.Actors = false, who.session, slices.Insert(slices.Clone(who.actors), 0, who.Sub)
		if out, err = s.signAccess(g, now); err != nil {
			return err
		}
		return s.recordOften(tx, r, event{name: "token.delegated", actor: who.Sub, target: principal.Sub, email: principal.Email,
			details: map[string]any{"actors": g.Actors}})
	})
	if err == nil {
		writeJSON(w, http.StatusOK, out)
	}
	return err
}

func (s *Service) mayDelegate(tx store.Tx, who caller, principal store.Subject) error {
	switch {
	case !mayEnter(who.IsAdmin, who.EmailVerified, who.AdminApproved):
		return errNotEntered
	case !s.now().Before(who.expires):
		return errExpiredToken
	case len(who.actors) >= token.MaxActors:
		return errTooManyAct
	case who.IsAdmin && len(who.actors) == 0:
		return nil
	}
	return listedFor(tx, principal, who.Subject)
}

func (s *Service) addActor(w http.ResponseWriter, r *request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	var shown shownSubject
	err = s.asAdmin(r, func(tx store.Tx, who caller) error {
		var b struct {
			ActorSub string `json:"actorSub"`
		}
		if err := decodeBody(body, &b); err != nil {
			return err
		}
		if b.ActorSub == "" {
			return badRequest("invalid_request", "actorSub required")
		}
		principal, err := target(tx, r)
		if err != nil {
			return err
		}
		actor, err := tx.Subject(b.ActorSub)
		if err == store.ErrNotFound {
			return badRequest("invalid_request", "Actor ID not found: "+printable.StripCut(b.ActorSub, 64))
		}
		if err != nil {
			return err
		}
		added, err := tx.AddActor(principal.Sub, actor.Sub)
		if err != nil {
			return err
		}
		if listed, err := tx.CountActors(principal.Sub); err != nil || added && listed > maxListed {
			return cmp.Or(err, error(errManyActors))
		}
		if added {
			if err := s.recordActor(tx, r, "actor.added", who, principal, actor.Sub); err != nil {
				return err
			}
		}
		shown, err = show(tx, principal)
		return err
	})
	if err == nil {
		writeSubject(w, shown)
	}
	return err
}

func (s *Service) removeActor(w http.ResponseWriter, r *request) error {
	return s.onSubject(w, r, func(tx store.Tx, who caller, principal store.Subject) error {
		removed, err := tx.RemoveActor(principal.Sub, r.vars[1])
		if err != nil || !removed {
			return err
		}
		return s.recordActor(tx, r, "actor.removed", who, principal, r.vars[1])
	})
}

func (s *Service) recordActor(tx store.Tx, r *request, name string, who caller, principal store.Subject, actor string) error {
	return s.record(tx, r, event{name: name, actor: who.Sub, target: principal.Sub, email: principal.Email,
		details: map[string]any{"actor": actor}})
}
