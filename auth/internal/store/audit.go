package store

import (
	"encoding/json"
	"time"

	"zombiezen.com/go/sqlite"
)

// Event is a line of the audit log.
type Event struct {
	ID      int64           `json:"id"`
	At      int64           `json:"at"` // milliseconds since 1970
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

func scanEvent(stmt *sqlite.Stmt) Event {
	return Event{
		ID: stmt.GetInt64("id"), At: stmt.GetInt64("at"), Event: stmt.GetText("event"), Outcome: stmt.GetText("outcome"),
		Actor: stmt.GetText("actor"), Target: stmt.GetText("target"), Email: stmt.GetText("email"),
		IP: stmt.GetText("ip"), Agent: stmt.GetText("agent"), Request: stmt.GetText("requestId"),
		Detail: json.RawMessage(stmt.GetText("detail")),
	}
}

// InsertEvent stores an event and returns its id.
func (tx Tx) InsertEvent(e Event) (id int64, err error) {
	err = tx.exec(`INSERT INTO Audit (at, event, outcome, actor, target, email, ip, agent, requestId, detail)
		VALUES (:at, :event, :outcome, :actor, :target, :email, :ip, :agent, :request, :detail)`,
		args{":at": e.At, ":event": e.Event, ":outcome": e.Outcome, ":actor": e.Actor, ":target": e.Target,
			":email": e.Email, ":ip": e.IP, ":agent": e.Agent, ":request": e.Request, ":detail": string(e.Detail)}, nil)
	return tx.conn.LastInsertRowID(), err
}

// SimilarEvents returns the events since a time with the Target, Event and Detail of e.
func (tx Tx) SimilarEvents(e Event, since time.Time) (found []Event, err error) {
	err = tx.exec(`SELECT * FROM Audit WHERE target = :target AND event = :event AND at > :since
		AND json_remove(detail, '$.times', '$.last') = :detail`,
		args{":target": e.Target, ":event": e.Event, ":since": since.UnixMilli(), ":detail": string(e.Detail)},
		func(stmt *sqlite.Stmt) { found = append(found, scanEvent(stmt)) })
	return found, err
}

// CountEvent counts a repetition in the Detail of an event: times, and last.
func (tx Tx) CountEvent(id int64, now time.Time) error {
	return tx.exec(`UPDATE Audit SET detail = json_set(detail, '$.times', 1 + coalesce(detail ->> 'times', 1), '$.last', :now) WHERE id = :row`,
		args{":now": now.UnixMilli(), ":row": id}, nil)
}

// EventQuery selects events. Zero values mean any, but Before and Limit are required.
type EventQuery struct {
	Before, Limit  int64
	Event, Outcome string
	Sub            string // actor or target
}

// Events passes at most Limit events to each, newest first.
func (tx Tx) Events(q EventQuery, each func(Event)) error {
	return tx.exec(`SELECT * FROM Audit WHERE id < :before
		AND (:event = '' OR event = :event) AND (:outcome = '' OR outcome = :outcome)
		AND (:sub = '' OR actor = :sub OR target = :sub) ORDER BY id DESC LIMIT :limit`,
		args{":before": q.Before, ":event": q.Event, ":outcome": q.Outcome, ":sub": q.Sub, ":limit": q.Limit},
		func(stmt *sqlite.Stmt) { each(scanEvent(stmt)) })
}
