//go:build !js

package editor

import (
	"context"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
	"github.com/lumenize/lmz/text"
)

// upkeep writes snapshots and drops expired data, a bounded amount in each turn.
const upkeep lmz.Method0[struct{}] = "upkeep"

// onItsOwn is a guard that lets an object call itself.
func onItsOwn(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	if len(c.Chain) != 1 || c.Chain[0] != c.Self {
		return lmz.Errorf("only the document itself may call this")
	}
	return nil
}

func (d *Document) upkeep(ctx context.Context) (struct{}, error) {
	d.broken = true // until everything is done
	a, now := &d.archive, time.Now()
	more, err := false, error(nil)
	switch {
	case a.writing != nil:
		more, err = d.write(ctx)
	case a.head.Writing > 0: // not finished when the document was closed
		if err = d.load(ctx); err == nil {
			err = a.begin(ctx, now)
		}
		more = true
	default:
		more, err = a.sweepOn(ctx, now)
	}
	if err == nil && more {
		err = d.later(ctx)
	}
	d.broken = err != nil
	return struct{}{}, err
}

// later continues the upkeep in another turn, after the waiting ones.
func (d *Document) later(ctx context.Context) error {
	return d.Send(lmz.NewChain(ctx), d.Identity().Address, upkeep.Ctn())
}

// tend starts upkeep that became due with the last edits.
func (d *Document) tend(ctx context.Context, now time.Time) error {
	if !d.archive.due() {
		return nil
	}
	if err := d.archive.begin(ctx, now); err != nil {
		return err
	}
	more, err := d.write(ctx)
	if err == nil && more {
		err = d.later(ctx)
	}
	return err
}

// write continues a snapshot, and reports whether there is more to do.
func (d *Document) write(ctx context.Context) (more bool, err error) {
	done, err := d.archive.goOn(ctx, maxWrites)
	if err != nil || !done {
		return true, err
	}
	return d.archive.beginSweep(ctx, time.Now())
}

// sweep is the progress of dropping expired data.
type sweep struct {
	Began  int64  // Unix milliseconds
	Stage  int    // 0: done
	Editor string // key of the next editor
	Log    int    // the last version dropped from the log
}

const (
	sweepEditors = iota + 1
	sweepLog
)

// Limits of sweeping.
const (
	sweepEvery = 24 * time.Hour
	maxSwept   = 500 // rows in one turn
)

// beginSweep starts a sweep unless there was a recent one, and reports whether one is running.
func (a *archive) beginSweep(ctx context.Context, now time.Time) (more bool, err error) {
	h := a.head
	if h.Sweep.Stage == 0 && now.Sub(time.UnixMilli(h.Sweep.Began)) < sweepEvery {
		return false, nil
	}
	if h.Sweep.Stage == 0 {
		h.Sweep = sweep{Began: now.UnixMilli(), Stage: sweepEditors, Editor: editorPrefix}
	}
	return true, a.setHead(ctx, h)
}

// sweepOn drops some of the expired data, and reports whether there is more.
func (a *archive) sweepOn(ctx context.Context, now time.Time) (more bool, err error) {
	h, old := a.head, now.Add(-text.Retention).UnixMilli()
	switch h.Sweep.Stage {
	case sweepEditors:
		err = a.sweepEditors(ctx, &h, old)
	case sweepLog:
		err = a.sweepLog(ctx, &h, old)
	default:
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return h.Sweep.Stage != 0, a.setHead(ctx, h)
}

func (a *archive) sweepEditors(ctx context.Context, h *head, old int64) error {
	all, err := a.kv.Entries(ctx, object.Range{Prefix: editorPrefix, Start: h.Sweep.Editor, Limit: maxSwept})
	for _, e := range all {
		var last lastEdit
		if err := e.Decode(&last); err != nil {
			return err
		}
		if last.At < old {
			if err := a.kv.Delete(ctx, e.Key); err != nil {
				return err
			}
		}
		h.Sweep.Editor = e.Key + "\x00"
	}
	if len(all) < maxSwept {
		h.Sweep.Stage, h.Sweep.Editor, h.Sweep.Log = sweepLog, "", max(0, h.Oldest-1)
	}
	return err
}

// sweepLog drops a part of the log between the two oldest snapshots if the second one has
// expired too, and finally everything before that one.
func (a *archive) sweepLog(ctx context.Context, h *head, old int64) error {
	next, err := a.kv.Entries(ctx, object.Range{Prefix: snapshotPrefix, Start: snapshotKey(max(1, h.Oldest)), Limit: 1})
	if err != nil {
		return err
	}
	if len(next) == 0 {
		h.Sweep.Stage = 0
		return nil
	}
	version, s, err := readSnapshot(next[0])
	if err != nil {
		return err
	}
	if s.At >= old {
		h.Sweep.Stage = 0
		return nil
	}
	for range maxSwept {
		if h.Sweep.Log == version {
			h.Oldest = version + 1
			return a.sweepSnapshots(ctx, version, s)
		}
		h.Sweep.Log++
		if err := a.kv.Delete(ctx, logKey(h.Sweep.Log)); err != nil {
			return err
		}
	}
	return nil
}

// sweepSnapshots drops the snapshots before a version, except those that a version in the
// log still refers to, and the chunks that only they have. s is the snapshot of that
// version: no later snapshot has old chunks that s lacks, unless a version was restored.
func (a *archive) sweepSnapshots(ctx context.Context, version int, s snapshot) error {
	all, err := a.kv.Entries(ctx, object.Range{Prefix: snapshotPrefix, End: snapshotKey(version)})
	if err != nil {
		return err
	}
	kept := make(map[int]bool)
	keep := func(s snapshot) {
		for _, id := range s.IDs {
			kept[id] = true
		}
	}
	keep(s)
	type dropped struct {
		version int
		snapshot
	}
	var drop []dropped
	for _, e := range all {
		v, s, err := readSnapshot(e)
		if err != nil {
			return err
		}
		if s.Until > version {
			keep(s)
		} else {
			drop = append(drop, dropped{v, s})
		}
	}
	for _, s := range drop {
		for _, id := range s.IDs {
			if kept[id] {
				continue
			}
			if err := a.kv.Delete(ctx, chunkKey(id)); err != nil {
				return err
			}
		}
		if err := a.dropParts(ctx, s.version, s.snapshot); err != nil {
			return err
		}
		if err := a.kv.Delete(ctx, snapshotKey(s.version)); err != nil {
			return err
		}
	}
	return nil
}

// dropParts drops the text of a snapshot written by an earlier program.
func (a *archive) dropParts(ctx context.Context, version int, s snapshot) error {
	for i := range s.Parts {
		if err := a.kv.Delete(ctx, partKey(version, i)); err != nil {
			return err
		}
	}
	return nil
}
