package record

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lumenize/lmz/internal/value"
	"github.com/lumenize/lmz/internal/value/valuetest"
)

type entry struct {
	ID    []byte    `cbor:"id"`
	To    []string  `cbor:"to"`
	Until int64     `cbor:"until"`
	At    time.Time `cbor:"at,omitzero"`
	Name  string    `cbor:"name,omitempty"`
}

var full = entry{ID: []byte("0123456789abcdef"), To: []string{"NOTES", "a"}, Until: -3, At: time.Unix(1, 23).UTC(), Name: "n"}

func TestRecordComesBack(t *testing.T) {
	for _, want := range []entry{{}, full} {
		data, err := Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got entry
		if err := Unmarshal(data, &got); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%x: %v\n%s", data, err, cmp.Diff(want, got))
		}
	}
}

// TestBothCodecs checks that this codec and that of values, which encoded records in earlier
// versions, write the same bytes and read each other's.
func TestBothCodecs(t *testing.T) {
	type before struct {
		ID    []byte
		To    []string
		Until int64
		At    time.Time
		Name  string `lmz:",omitempty"`
	}
	old, err := value.Marshal(before(full))
	if err != nil {
		t.Fatal(err)
	}
	data, err := Marshal(full)
	if err != nil || !bytes.Equal(data, old) {
		t.Errorf("%v\n%x\n%x", err, data, old)
	}
	var got before
	if err := value.Unmarshal(data, &got); err != nil || !cmp.Equal(entry(got), full) {
		t.Errorf("%v: %+v", err, got)
	}
}

// TestRecordOfAnotherVersion reads a record with an unknown field and some missing.
func TestRecordOfAnotherVersion(t *testing.T) {
	var got entry
	err := Unmarshal(valuetest.Unhex("a2 62 6964 41 61 65 6c61746572 a1 61 78 81 01"), &got)
	if want := (entry{ID: []byte("a")}); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
}

func TestHostileRecords(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing":               nil,
		"half a record":         valuetest.Unhex("a1 62"),
		"two records":           valuetest.Unhex("a0 a0"),
		"an array":              valuetest.Unhex("80"),
		"a field twice":         valuetest.Unhex("a2 62 6964 41 61 62 6964 41 62"),
		"a text for bytes":      valuetest.Unhex("a1 62 6964 01"),
		"text that is no UTF-8": valuetest.Unhex("a1 64 6e616d65 61 ff"),
		"an indefinite map":     valuetest.Unhex("bf ff"),
		"a deep value":          append(valuetest.Unhex("a1 62 746f"), append(bytes.Repeat([]byte{0x81}, 1000), 0x80)...),
		"2^31 elements":         append(valuetest.Unhex("a1 62 746f"), valuetest.Declared(valuetest.Array, 3, 1<<31)...),
		"2^63 bytes":            append(valuetest.Unhex("a1 62 6964"), valuetest.Declared(valuetest.Bytes, 4, 1<<63)...),
	} {
		var got entry
		if err := Unmarshal(data, &got); err == nil {
			t.Errorf("%s was read as %+v", name, got)
		}
	}
}

// TestManyTargets stores more elements than the library reads by default.
func TestManyTargets(t *testing.T) {
	want := entry{To: make([]string, 400_000)}
	data, err := Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got entry
	if err := Unmarshal(data, &got); err != nil || len(got.To) != len(want.To) {
		t.Errorf("%d elements, %v", len(got.To), err)
	}
}

func TestRecordNobodyCouldRead(t *testing.T) {
	for want, record := range map[string]entry{
		"not valid UTF-8": {Name: "\xff"},
		"elements":        {To: make([]string, maxElements)},
	} {
		if data, err := Marshal(record); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d bytes, %v; want an error with %q", len(data), err, want)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	data, err := Marshal(full)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, again entry
		if Unmarshal(data, &got) != nil {
			return
		}
		written, err := Marshal(got)
		if err != nil {
			return
		}
		if err := Unmarshal(written, &again); err != nil || !cmp.Equal(got, again) {
			t.Errorf("%x became %x: %v\n%s", data, written, err, cmp.Diff(got, again))
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	row := entry{ID: full.ID, To: full.To, Until: 1764352800123, Name: strings.Repeat("x", 200)}
	data, err := Marshal(row)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("marshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Marshal(row); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var got entry
			if err := Unmarshal(data, &got); err != nil {
				b.Fatal(err)
			}
		}
	})
}
