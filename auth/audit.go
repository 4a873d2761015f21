package auth

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/lumenize/lmz/auth/internal/limit"
	"zombiezen.com/go/sqlite"
)

// Outcomes of events.
const (
	succeeded = "success"
	failed    = "failure"
)

// event is a line of the audit log. It holds no secrets: no token, code, link or
// key, not even in part.
type event struct {
	name    string // such as "login.succeeded"
	failed  bool
	actor   string // sub of who did it, or "system"
	target  string // sub of whom it is about
	email   string
	details map[string]any
}

const bySystem = "system"

func (e event) outcome() string {
	if e.failed {
		return failed
	}
	return succeeded
}

// record writes e with the change that it is about: both are there or neither.
func (s *Service) record(d db, r *request, e event) error {
	details, err := json.Marshal(e.details)
	if err != nil {
		return err
	}
	if e.details == nil {
		details = []byte("{}")
	}
	r.events = append(r.events, e)
	return d.exec(`INSERT INTO Audit (at, event, outcome, actor, target, email, ip, agent, requestId, detail)
		VALUES (:at, :event, :outcome, :actor, :target, :email, :ip, :agent, :request, :detail)`,
		args{":at": s.now().UnixMilli(), ":event": e.name, ":outcome": e.outcome(), ":actor": e.actor, ":target": e.target,
			":email": e.email, ":ip": r.ip, ":agent": r.agent, ":request": r.id, ":detail": string(details)}, nil)
}

// oftenEvery is the time within which events that a client may cause as often as it
// likes are one row.
const oftenEvery = time.Hour

// recordOften is record for such an event. If the same came from the same network
// within the hour, that row counts it: its detail has times, and last, when the latest
// was. The log is told of each.
func (s *Service) recordOften(d db, r *request, e event) error {
	details, err := json.Marshal(e.details)
	if err != nil {
		return err
	}
	var row int64
	err = d.exec(`SELECT id, ip FROM Audit WHERE target = :target AND event = :event AND at > :since
		AND json_remove(detail, '$.times', '$.last') = :detail`,
		args{":target": e.target, ":event": e.name, ":since": s.now().Add(-oftenEvery).UnixMilli(), ":detail": string(details)},
		func(stmt *sqlite.Stmt) {
			if limit.Network(stmt.GetText("ip")) == limit.Network(r.ip) {
				row = stmt.GetInt64("id")
			}
		})
	if err != nil || row == 0 {
		return errors.Join(err, s.record(d, r, e))
	}
	r.events = append(r.events, e)
	return d.exec(`UPDATE Audit SET detail = json_set(detail, '$.times', 1 + coalesce(detail ->> 'times', 1), '$.last', :now) WHERE id = :row`,
		args{":now": s.now().UnixMilli(), ":row": row}, nil)
}

// tx is [store.tx] for a request: what was recorded in a transaction that was
// rolled back has not happened.
func (s *Service) tx(r *request, f func(db) error) error {
	before := len(r.events)
	err := s.store.tx(r.Context(), f)
	if err != nil {
		r.events = r.events[:before]
	}
	return err
}

// failuresPerHour bounds the failures that are recorded, whoever causes them: strangers
// with many networks could fill the disk with them. The log is told of each.
const failuresPerHour = 5000

var failuresRule = limit.Rule{Key: "failures", Max: failuresPerHour, Every: time.Hour, Common: true}

// recordFailure records what was refused in a transaction of its own, also when
// the client has gone.
func (s *Service) recordFailure(r *request, e event) {
	e.failed = true
	if wait, first := s.limits.Take(failuresRule); wait > 0 && !first {
		r.events = append(r.events, e) // for the log
		return
	} else if wait > 0 {
		e = event{name: "rate.limited", failed: true, details: map[string]any{"limit": "failures that are recorded"}}
	}
	ctx := context.WithoutCancel(r.Context())
	if err := s.store.tx(ctx, func(d db) error { return s.record(d, r, e) }); err != nil {
		s.log.Error("an audit event could not be stored", "event", e.name, "request", r.id, "error", err)
	}
}

// recordRefusal counts and records a refusal that matters. Visitors who have no
// credential yet are no event, nor are mistakes in a body. What a client may not do it
// may try as often as it likes, so only the first refusals are recorded.
func (s *Service) recordRefusal(route *route, r *request, refusal *Error) {
	switch {
	case refusal == errNoRefresh, refusal == errNoCredential:
		return
	case refusal.Status == http.StatusTooManyRequests:
		if !refusal.repeated {
			s.recordFailure(r, event{name: "rate.limited", details: map[string]any{"endpoint": route.method + " " + route.path}})
		}
		return
	case refusal.Status != http.StatusUnauthorized && refusal.Status != http.StatusForbidden && !refusal.guess:
		return
	}
	if refusal.Status == http.StatusUnauthorized || refusal.guess {
		s.countFailure(r)
	} else if wait, first := s.limits.Take(s.denialRules(r)...); first {
		s.recordFailure(r, event{name: "rate.limited", details: map[string]any{"endpoint": route.method + " " + route.path}})
		return
	} else if wait > 0 {
		return
	}
	e := event{name: "access.denied", details: map[string]any{"endpoint": route.method + " " + route.path, "reason": refusal.Code}}
	if refusal == errCrossOrigin {
		e.details["reason"] = "cross_origin"
	}
	if r.who != nil {
		e.actor, e.email = r.who.sub, r.who.email
	}
	s.recordFailure(r, e)
}

// logEvents tells the log what was recorded.
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

// auditEvent is an event as it is shown.
type auditEvent struct {
	ID      int64           `json:"id"`
	At      int64           `json:"at"`
	Event   string          `json:"event"`
	Outcome string          `json:"outcome"`
	Actor   string          `json:"actor"`
	Target  string          `json:"target"`
	Email   string          `json:"email"`
	IP      string          `json:"ip"`
	Agent   string          `json:"agent"`
	Request string          `json:"requestId"`
	Detail  json.RawMessage `json:"detail"`
}

// auditList is a page of events. Next is the before of the next one, if there is one.
type auditList struct {
	Events []auditEvent `json:"events"`
	Next   int64        `json:"next,omitempty"`
}

// listAudit lists events, the newest first. Query: limit, before (an id), event,
// outcome, sub (actor or target).
func (s *Service) listAudit(w http.ResponseWriter, r *request) error {
	q := r.URL.Query()
	limit, err := wholeNumber(q.Get("limit"), 50, 1, 500)
	if err != nil {
		return err
	}
	before, err := wholeNumber(q.Get("before"), 1<<53, 1, 1<<53)
	if err != nil {
		return err
	}
	list := newListPage[auditEvent](limit)
	err = s.asAdmin(r, func(d db, _ caller) error {
		return d.exec(`SELECT * FROM Audit WHERE id < :before
			AND (:event = '' OR event = :event) AND (:outcome = '' OR outcome = :outcome)
			AND (:sub = '' OR actor = :sub OR target = :sub) ORDER BY id DESC LIMIT :limit + 1`,
			args{":before": before, ":event": q.Get("event"), ":outcome": q.Get("outcome"), ":sub": q.Get("sub"), ":limit": limit},
			func(stmt *sqlite.Stmt) {
				if !list.more {
					list.add(scanEvent(stmt))
				}
			})
	})
	if err != nil {
		return err
	}
	out := auditList{Events: list.entries}
	if list.more {
		out.Next = out.Events[len(out.Events)-1].ID
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func scanEvent(stmt *sqlite.Stmt) auditEvent {
	return auditEvent{
		ID: stmt.GetInt64("id"), At: stmt.GetInt64("at"), Event: stmt.GetText("event"), Outcome: stmt.GetText("outcome"),
		Actor: stmt.GetText("actor"), Target: stmt.GetText("target"), Email: stmt.GetText("email"),
		IP: stmt.GetText("ip"), Agent: stmt.GetText("agent"), Request: stmt.GetText("requestId"),
		Detail: json.RawMessage(stmt.GetText("detail")),
	}
}

// wholeNumber reads a number of a query and brings it within its bounds. As in
// the original, what is no number at all means the default; what JavaScript would
// take for a number and SQLite would not is refused.
func wholeNumber(text string, otherwise, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		if f, isNumber := strconv.ParseFloat(text, 64); isNumber == nil && f == f {
			return 0, badRequest("invalid_request", "limit, offset and before must be whole numbers")
		}
		n = 0
	}
	if n == 0 && low > 0 {
		n = otherwise
	}
	return min(max(n, low), high), nil
}
