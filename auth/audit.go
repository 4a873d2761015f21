package auth

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
	"github.com/lumenize/lmz/auth/internal/store"
)

// row returns the stored form of e.
func (s *Service) row(r *request, e event) (store.Event, error) {
	details, err := json.Marshal(e.details)
	if e.details == nil {
		details = []byte("{}")
	}
	return store.Event{At: s.now().UnixMilli(), Event: e.name, Outcome: e.outcome(), Actor: e.actor, Target: e.target,
		Email: e.email, IP: r.ip, Agent: r.agent, Request: r.id, Detail: details}, err
}

// record writes e in the transaction of the change that it describes: both are committed or
// neither.
func (s *Service) record(tx store.Tx, r *request, e event) error {
	_, err := s.recorded(tx, r, e)
	return err
}

// recorded is record and also returns the id of the event.
func (s *Service) recorded(tx store.Tx, r *request, e event) (id int64, err error) {
	row, err := s.row(r, e)
	if err != nil {
		return 0, err
	}
	r.events = append(r.events, e)
	return tx.InsertEvent(row)
}

// oftenEvery is the period in which repeated events that a client can cause at any rate share one
// row.
const oftenEvery = time.Hour

// recordOften is record for such an event. If the same event came from the same network within
// the period, it is added to that row: the detail has times, and last, when the latest was. Every
// event is logged.
func (s *Service) recordOften(tx store.Tx, r *request, e event) error {
	row, err := s.row(r, e)
	if err != nil {
		return err
	}
	similar, err := tx.SimilarEvents(row, s.now().Add(-oftenEvery))
	for _, earlier := range similar {
		if limit.Network(earlier.IP) == limit.Network(r.ip) {
			row.ID = earlier.ID
		}
	}
	if err != nil || row.ID == 0 {
		return errors.Join(err, s.record(tx, r, e))
	}
	r.events = append(r.events, e)
	return tx.CountEvent(row.ID, s.now())
}

// tx runs f in a writing transaction. Events recorded in a transaction that is rolled back are
// not logged.
func (s *Service) tx(r *request, f func(store.Tx) error) error {
	before := len(r.events)
	err := s.store.Update(r.Context(), f)
	if err != nil {
		r.events = r.events[:before]
	}
	return err
}

// failuresPerHour bounds the recorded failures of all clients together: strangers with many
// networks could fill the disk. Every failure is logged.
const failuresPerHour = 5000

var failuresRule = limit.Rule{Key: "failures", Max: failuresPerHour, Every: time.Hour, Common: true}

// recordFailure records a refusal in a separate transaction, even if the client has disconnected.
func (s *Service) recordFailure(r *request, e event) {
	e.failed = true
	if wait, first := s.limits.Take(failuresRule); wait > 0 && !first {
		r.events = append(r.events, e) // for the log
		return
	} else if wait > 0 {
		e = event{name: "rate.limited", failed: true, details: map[string]any{"limit": "failures that are recorded"}}
	}
	ctx := context.WithoutCancel(r.Context())
	if err := s.store.Update(ctx, func(tx store.Tx) error { return s.record(tx, r, e) }); err != nil {
		s.log.Error("an audit event could not be stored", "event", e.name, "request", r.id, "error", err)
	}
}

// logEvents logs the recorded events.
func (s *Service) logEvents(r *request) {
	for _, e := range r.events {
		level := slog.LevelInfo
		if e.failed {
			level = slog.LevelWarn
		}
		attrs := []slog.Attr{slog.String("outcome", e.outcome()), slog.String("ip", r.ip), slog.String("agent", r.agent), slog.String("request", r.id)}
		for _, pair := range [][2]string{{"actor", e.actor}, {"target", e.target}, {"email", e.email}} {
			if pair[1] != "" {
				attrs = append(attrs, slog.String(pair[0], pair[1]))
			}
		}
		for name, value := range e.details {
			attrs = append(attrs, slog.Any(name, value))
		}
		s.log.LogAttrs(r.Context(), level, e.name, attrs...)
	}
}
