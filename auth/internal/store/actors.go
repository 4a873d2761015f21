package store

import "zombiezen.com/go/sqlite"

// Actors returns the subjects that may act for a principal.
func (tx Tx) Actors(principal string) (subs []string, err error) {
	subs = []string{}
	err = tx.exec("SELECT actorSub FROM AuthorizedActors WHERE principalSub = :sub ORDER BY actorSub", args{":sub": principal},
		func(stmt *sqlite.Stmt) { subs = append(subs, stmt.ColumnText(0)) })
	return subs, err
}

// CountActors returns how many subjects may act for a principal.
func (tx Tx) CountActors(principal string) (int64, error) {
	return tx.number("SELECT count(*) FROM AuthorizedActors WHERE principalSub = :principal", args{":principal": principal})
}

// IsActor reports whether actor may act for principal.
func (tx Tx) IsActor(principal, actor string) (bool, error) {
	return tx.one("SELECT 1 FROM AuthorizedActors WHERE principalSub = :principal AND actorSub = :actor",
		args{":principal": principal, ":actor": actor}, nil)
}

// AddActor lets actor act for principal, and reports whether that is new.
func (tx Tx) AddActor(principal, actor string) (added bool, err error) {
	return tx.one("INSERT INTO AuthorizedActors (principalSub, actorSub) VALUES (:principal, :actor) ON CONFLICT DO NOTHING RETURNING 1",
		args{":principal": principal, ":actor": actor}, nil)
}

// RemoveActor is the inverse of AddActor.
func (tx Tx) RemoveActor(principal, actor string) (removed bool, err error) {
	return tx.one("DELETE FROM AuthorizedActors WHERE principalSub = :principal AND actorSub = :actor RETURNING 1",
		args{":principal": principal, ":actor": actor}, nil)
}
