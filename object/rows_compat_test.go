package object

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lumenize/lmz/internal/record"
	"github.com/lumenize/lmz/internal/store"
)

// TestRowsOfEarlierVersions reads the bytes that earlier versions, which encoded rows with
// the codec of values, left on disk. Today's encoding is identical, so earlier versions can
// read it too.
func TestRowsOfEarlierVersions(t *testing.T) {
	at := time.Date(2026, 11, 28, 18, 0, 0, 123456789, time.UTC)
	chain, session := []byte{0x82, 0x61, 0x61, 0x80}, []byte("0123456789abcdef")
	earlier(t, sendRow{
		ID: session, To: []string{"NOTES", "a", "NOTES", "b"}, Chain: chain, Sender: []byte{0xa0},
		Reply: []byte{0x82, 0x61, 0x62, 0x80}, ReplyName: "b()", ErrorsOnly: true, Until: 1764352800123, Deadline: true, Payer: "ann",
	}, "aa626964503031323334353637383961626364656662746f84654e4f5445536161654e4f544553616265636861696e44826161806673656e64657241a0"+
		"657265706c794482616280697265706c794e616d65636228296a6572726f72734f6e6c79f565756e74696c1b0000019acb9f357b68646561646c696e65f5"+
		"65706179657263616e6e")
	earlier(t, sendRow{ID: session, To: []string{"NOTES", "a"}, Chain: chain, Sender: []byte{0xa0}, Until: 1764352800123},
		"a5626964503031323334353637383961626364656662746f82654e4f544553616165636861696e44826161806673656e64657241a065756e74696c1b0000019acb9f357b")
	earlier(t, deadRow{To: []string{"NOTES", "a"}, Work: "a()", Chain: chain, Died: 1764352800123, Error: "E: m", Unknown: true},
		"a662746f82654e4f544553616164776f726b6361282965636861696e448261618064646965641b0000019acb9f357b656572726f7264453a206d67756e6b6e6f776ef5")
	earlier(t, deadCounters{Last: 7, Kept: 5, Dropped: 2}, "a3646c61737407646b657074056764726f7070656402")
	earlier(t, watchRow{Client: []string{"EDITOR", "ann.tab"}, Session: session, Chain: chain, Work: "a()", Payer: "ann"},
		"a566636c69656e748266454449544f5267616e6e2e7461626773657373696f6e503031323334353637383961626364656665636861696e448261618064776f726b6361282965706179657263616e6e")
	earlier(t, alarmRow{
		ID: "x", Rev: 3, Kind: "cron", Delay: 5, At: 6, Cron: "0 9 * * *", Zone: "Europe/Berlin", Chain: chain, Work: "a()", Attempts: 4, First: 8,
		Max: 9, Late: "once", Created: 10, Due: 11, Next: 12, Failures: 1, Error: "E: m", Dead: true, Payer: "ann",
	}, "b462696461786372657603646b696e646463726f6e6564656c617905626174066463726f6e69302039202a202a202a647a6f6e656d4575726f70652f4265726c696e"+
		"65636861696e448261618064776f726b6361282968617474656d7074730465666972737408636d617809646c617465646f6e636567637265617465640a636475650b"+
		"646e6578740c686661696c7572657301656572726f7264453a206d6464656164f565706179657263616e6e")
	earlier(t, alarmCounters{Rev: 3, Runs: 9}, "a263726576036472756e7309")
	earlier(t, runRow{ID: "x", Due: at, Attempt: 2, Began: at, Ended: at, Error: "E: m", Skipped: true, Over: "no time follows"},
		"a8626964617863647565c0781e323032362d31312d32385431383a30303a30302e3132333435363738395a67617474656d70740265626567616ec0781e323032362d31312d32385431383a30303a30302e3132333435363738395a"+
			"65656e646564c0781e323032362d31312d32385431383a30303a30302e3132333435363738395a656572726f7264453a206d67736b6970706564f5646f7665726f6e6f2074696d6520666f6c6c6f7773")
}

// earlier checks that a row is decoded from the hex digits and encoded to them.
func earlier[T any](t *testing.T, want T, digits string) {
	t.Helper()
	data, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeRow[T](store.Row{Value: data}); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%T: %v\n%s", want, err, cmp.Diff(want, got))
	}
	if now, err := record.Marshal(want); err != nil || hex.EncodeToString(now) != digits {
		t.Errorf("%T is now %x, %v", want, now, err)
	}
}

// TestUnfinishedRunOfEarlierVersions reads a run without an end, which was stored as the
// first day of the calendar and is left out today.
func TestUnfinishedRunOfEarlierVersions(t *testing.T) {
	const digits = "a7626964617863647565c074323032362d31312d32385431383a30303a30305a67617474656d70740265626567616ec074323032362d31312d32385431383a30303a30305a" +
		"65656e646564c074303030312d30312d30315430303a30303a30305a656572726f726067736b6970706564f4"
	data, _ := hex.DecodeString(digits)
	at := time.Date(2026, 11, 28, 18, 0, 0, 0, time.UTC)
	want := runRow{ID: "x", Due: at, Attempt: 2, Began: at}
	got, err := decodeRow[runRow](store.Row{Value: data})
	if err != nil || !cmp.Equal(got, want) || !got.Ended.IsZero() {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
}
