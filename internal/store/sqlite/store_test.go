package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/storetest"
)

func TestStore(t *testing.T) { runOn(t, func() *openFiles { return nil }) }

func TestStoreClosedBetweenTurns(t *testing.T) {
	runOn(t, func() *openFiles { return newOpenFiles(func() int { return 0 }) })
}

func runOn(t *testing.T, files func() *openFiles) {
	storetest.Run(t, func(t *testing.T) storetest.Storage {
		dir, files := t.TempDir(), files()
		return storetest.Storage{
			Open: func(a lmz.Address, o store.Options) store.Store {
				return &Store{path: Path(dir, a), of: a, kind: o, files: files}
			},
			Move: func(from, to lmz.Address) {
				if err := os.MkdirAll(filepath.Dir(Path(dir, to)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(Path(dir, from), Path(dir, to)); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

func TestWakeIndex(t *testing.T) {
	dir := t.TempDir()
	storetest.RunIndex(t, func() store.WakeIndex {
		x, err := openIndex(dir, func() (map[lmz.Address]int64, error) { return nil, nil })
		if err != nil {
			t.Fatal(err)
		}
		return x
	})
}
