package editor

import (
	"context"
	"fmt"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// inside is a document whose storage a test inspects.
type inside struct {
	*Document
	most *changed // nil: not counted
}

// changed holds the most rows that one turn has written and dropped.
type changed struct{ chunks, editors, log int }

// Methods that a test calls on such a document.
const (
	rows     lmz.Method1[string, int]              = "rows"     // how many keys begin with a prefix
	size     lmz.Method1[string, int]              = "size"     // about how many bytes their values have
	pins     lmz.Method1[string, int]              = "pins"     // how many snapshots restored versions have
	writes   lmz.Method1[string, int]              = "writes"   // not 0 while a snapshot is being written
	astray   lmz.Method1[string, int]              = "astray"   // how many chunks no snapshot has, or are missing
	inMemory lmz.Method0[bool]                     = "inMemory" // whether its text is in memory
	seed     lmz.Method1[map[string]any, struct{}] = "seed"     // stores rows
)

func (i inside) HandleCall(ctx context.Context, req *lmz.Request) (any, error) {
	switch req.Method {
	case string(rows), string(size):
		var prefix string
		if err := req.Arg(0, &prefix); err != nil {
			return nil, err
		}
		all, err := i.KV().Entries(ctx, object.Range{Prefix: prefix})
		if req.Method == string(rows) || err != nil {
			return len(all), err
		}
		sum := 0
		for _, e := range all {
			var v any
			if err := e.Decode(&v); err != nil {
				return nil, err
			}
			sum += len(fmt.Sprint(v))
		}
		return sum, nil
	case string(pins):
		all, err := i.KV().Entries(ctx, object.Range{Prefix: snapshotPrefix})
		n := 0
		for _, e := range all {
			if _, s, err := readSnapshot(e); err != nil {
				return nil, err
			} else if s.Until > 0 {
				n++
			}
		}
		return n, err
	case string(writes):
		return i.archive.head.Writing, nil
	case string(astray):
		return i.astray(ctx)
	case string(inMemory):
		return i.archive.authority != nil, nil
	case string(seed):
		var all map[string]any
		err := req.Arg(0, &all)
		for key, v := range all {
			if err == nil {
				err = i.KV().Put(ctx, key, v)
			}
		}
		return struct{}{}, err
	}
	if i.most == nil {
		return i.Document.HandleCall(ctx, req)
	}
	before, err := i.count(ctx)
	if err != nil {
		return nil, err
	}
	result, err := i.Document.HandleCall(ctx, req)
	if err != nil {
		return nil, err
	}
	after, err := i.count(ctx)
	more := func(most *int, before, after int) { *most = max(*most, before-after, after-before) }
	more(&i.most.chunks, before.chunks, after.chunks)
	more(&i.most.editors, before.editors, after.editors)
	more(&i.most.log, before.log, after.log)
	return result, err
}

func (i inside) count(ctx context.Context) (c changed, err error) {
	for prefix, n := range map[string]*int{chunkPrefix: &c.chunks, editorPrefix: &c.editors, logPrefix: &c.log} {
		keys, err := i.KV().List(ctx, prefix)
		if err != nil {
			return c, err
		}
		*n = len(keys)
	}
	return c, nil
}

// registerOpen is registerNodes with documents that reveal their storage.
func registerOpen(m *meshtest.Mesh, most *changed) {
	m.HandleObject(DocumentBinding, object.Kind{New: func(o *object.Object) lmz.Handler { return inside{NewDocument(o).(*Document), most} }})
	m.HandleObject(WorkspaceBinding, object.Kind{New: NewWorkspace})
	m.HandleWorker(SpellCheckBinding, NewSpellCheck)
}

// askInside calls a method of such a document.
func askInside[A, R any](t testing.TB, via lmz.Caller, method lmz.Method1[A, R], arg A) R {
	t.Helper()
	r, err := method.Call(t.Context(), via, lmz.At(DocumentBinding, "notes"), arg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// astray counts unused and missing chunks. There must be none unless a snapshot is being
// written.
func (i inside) astray(ctx context.Context) (int, error) {
	if i.archive.head.Writing > 0 {
		return 0, nil
	}
	all, err := i.KV().Entries(ctx, object.Range{Prefix: snapshotPrefix})
	if err != nil {
		return 0, err
	}
	wanted := make(map[string]bool)
	for _, e := range all {
		_, s, err := readSnapshot(e)
		if err != nil {
			return 0, err
		}
		for _, id := range s.IDs {
			wanted[chunkKey(id)] = true
		}
	}
	// Chunks beyond the last number were left by a crash, and will be overwritten.
	keys, err := i.KV().Entries(ctx, object.Range{Prefix: chunkPrefix, End: chunkKey(i.archive.head.Next + 1)})
	n := 0
	for _, e := range keys {
		if !wanted[e.Key] {
			n++
		}
		delete(wanted, e.Key)
	}
	return n + len(wanted), err
}
