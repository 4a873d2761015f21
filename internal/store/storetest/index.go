package storetest

import (
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/wake"
)

// RunIndex runs the tests of a wake index, which open opens and reopens.
func RunIndex(t *testing.T, open func() store.WakeIndex) {
	a, b, c := lmz.At("A", "1"), lmz.At("A", "\x00ü/"), lmz.At("B", "1")
	x := open()
	wantNil(t, x.Write(map[lmz.Address]int64{a: 5, b: wake.AtStart, c: 7}))
	wantNil(t, x.Write(map[lmz.Address]int64{a: 6, c: wake.Never}))
	wantNil(t, x.Close())
	x = open()
	got, err := x.Load()
	wantNil(t, err)
	if len(got) != 2 || got[a] != 6 || got[b] != wake.AtStart {
		t.Errorf("got %v", got)
	}
	wantNil(t, x.Close())
}
