//go:build !js

package editor

import (
	"context"
	"time"
)

// Limits of one answer to history, and the pause that ends a revision.
const (
	maxRevisions  = 50
	maxHistory    = 1000 // edits
	revisionPause = 5 * time.Minute
)

func (d *Document) history(ctx context.Context, before int) ([]Revision, error) {
	if before <= 0 || before > d.version()+1 {
		before = d.version() + 1
	}
	revisions := []Revision{}
	var first int64 // when the earliest edit of the last revision was made
	for v := before - 1; v > 0 && v >= before-maxHistory; v-- {
		e, found, err := d.archive.row(ctx, v)
		if err != nil || !found {
			return revisions, err
		}
		at := e.At
		n := len(revisions)
		by := d.names.shown(e.By)
		if n > 0 && revisions[n-1].By == by && first-at < revisionPause.Milliseconds() {
			revisions[n-1].First = v
		} else if n == maxRevisions {
			break
		} else {
			revisions = append(revisions, Revision{First: v, Last: v, By: by, At: at})
		}
		first = at
	}
	return revisions, nil
}
