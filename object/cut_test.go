//go:build unix

package object

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lumenize/lmz/internal/store/sqlite"
)

// Sizes in a WAL: the header, and frames of a header and a page.
const (
	walHeader = 32
	walFrame  = 24 + 4096
)

func TestLogCutAnywhere(t *testing.T) {
	o := order{Dir: t.TempDir(), Works: []string{"kv", "sql", "fail", "undo"}, Nth: 8, Schema: 1}
	done := parseAcknowledged(t, o.run(t, "TestVictim"))
	path := sqlite.Path(filepath.Join(o.Dir, "data"), sender)
	wal, err := os.ReadFile(path + "-wal")
	wantNil(t, err)
	db, err := os.ReadFile(path)
	wantNil(t, err)
	first := done[0].log
	if first == 0 || done[len(done)-1].log > int64(len(wal)) {
		t.Fatalf("the log has %d bytes, and had %v", len(wal), done)
	}
	cuts := map[int64]bool{int64(len(wal)): true}
	for at := int64(walHeader); at <= int64(len(wal)); at += walFrame {
		if at >= first && (!underRace || (at-walHeader)/walFrame%4 == 0) {
			cuts[at] = true
		}
	}
	random, bytes := rand.New(rand.NewPCG(1, 2)), 12
	if os.Getenv("LMZ_SOAK") != "" {
		bytes = 500
	}
	for range bytes {
		cuts[first+random.Int64N(int64(len(wal))-first+1)] = true
	}
	for _, cut := range slices.Sorted(maps.Keys(cuts)) {
		again := o
		again.Dir = t.TempDir()
		path := sqlite.Path(filepath.Join(again.Dir, "data"), sender)
		wantNil(t, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, db, 0o600), os.WriteFile(path+"-wal", wal[:cut], 0o600))
		p := again.postOn(t)
		p.check(again.Dir, slices.DeleteFunc(slices.Clone(done), func(a acknowledged) bool { return a.log > cut }))
		p.close()
		if t.Failed() {
			t.Fatalf("the log was cut at %d of %d", cut, len(wal))
		}
	}
	t.Logf("%d cuts, %d acknowledged turns", len(cuts), len(done))
}
