package value

import (
	"errors"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/lumenize/lmz"
)

type Base struct {
	ID   string
	Kind string
}

type tagged struct {
	Base2 `lmz:"base"`
	Extra int
}

type Base2 struct{ ID string }

func TestEmbeddedStructsAreFlattenedAsInGo(t *testing.T) {
	if got, want := diagnose(t, tagged{Base2{"1"}, 2}), `{"base": {"id": "1"}, "extra": 2}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	type plain struct {
		*Base
		Kind string // hides Base.Kind
	}
	if got, want := diagnose(t, plain{&Base{"1", "hidden"}, "k"}), `{"id": "1", "kind": "k"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := diagnose(t, plain{Kind: "k"}), `{"kind": "k"}`; got != want {
		t.Errorf("embedded nil: got %s, want %s", got, want)
	}
	var out plain
	roundTrip(t, plain{&Base{ID: "1"}, "k"}, &out)
	if out.Base == nil || out.ID != "1" || out.Kind != "k" {
		t.Errorf("got %+v", out)
	}
}

type hiddenBase struct{ ID string }

func TestEmbeddedPointerThatCannotBeMade(t *testing.T) {
	var out struct{ *hiddenBase }
	data, _ := Marshal(map[string]string{"id": "1"})
	if err := Unmarshal(data, &out); err == nil {
		t.Error("no error")
	}
}

func TestTypesThatAreTextsToOthersAreTexts(t *testing.T) {
	type host struct {
		Addr netip.Addr
		Next *netip.Addr
	}
	addr := netip.MustParseAddr("192.0.2.1")
	if got, want := diagnose(t, host{Addr: addr}), `{"addr": "192.0.2.1", "next": null}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var out host
	roundTrip(t, host{addr, &addr}, &out)
	if out.Addr != addr || *out.Next != addr {
		t.Errorf("got %+v", out)
	}
	data, _ := Marshal(map[string]string{"addr": "nowhere"})
	if err := Unmarshal(data, &out); err == nil {
		t.Error("no error")
	}
}

// lazyValue is a value that is not an Item, as from a JSON link.
type lazyValue struct{ v any }

func (l lazyValue) Decode(into any) error {
	if l.v == nil {
		return errors.New("nothing there")
	}
	*into.(*any) = l.v
	return nil
}

func TestOtherKindsAreSentAsDecoded(t *testing.T) {
	if got := diagnose(t, []any{lazyValue{"x"}, &lazyValue{int64(1)}}); got != `["x", 1]` {
		t.Errorf("got %s", got)
	}
	for _, v := range []any{lazyValue{}, lazyValue{lazyValue{"x"}}} {
		if data, err := Marshal(v); err == nil {
			t.Errorf("sent as %x", data)
		}
	}
}

func TestPointersToTypesWithAMeaningComeBack(t *testing.T) {
	type all struct {
		Date *time.Time
		Big  *big.Int
		None *big.Int
		Err  *lmz.Error
		Ctn  *lmz.Continuation
		Re   lmz.RegExp
		Box  lmz.Boxed
		Head lmz.Headers
		Pix  lmz.Uint8Clamped
		Req  lmz.HTTPRequest
		Resp *lmz.HTTPResponse
		View lmz.DataView
		Work lmz.Continuation
		Gone lmz.Undefined
	}
	date, work := time.Unix(5, 0).UTC(), lmz.Ctn("f", "x")
	in := all{&date, big.NewInt(1), nil, &lmz.Error{Name: "E"}, &work, lmz.RegExp{Source: "a"}, lmz.Boxed{Value: true},
		lmz.Headers{{"a", "b"}}, lmz.Uint8Clamped{1}, lmz.HTTPRequest{URL: "u", Headers: lmz.Headers{}},
		&lmz.HTTPResponse{Status: 200, Headers: lmz.Headers{}}, lmz.DataView{Buffer: []byte{}}, work, lmz.Undefined{}}
	var out all
	roundTrip(t, in, &out)
	if !reflect.DeepEqual(in, out) {
		t.Errorf("got  %+v\nwant %+v", out, in)
	}
}

func TestMapKeysOfEveryKindAreDistinct(t *testing.T) {
	in := lmz.Map{{Key: nil, Value: "null"}, {Key: "1", Value: "text"}, {Key: int64(1), Value: "number"}, {Key: big.NewInt(1), Value: "big"},
		{Key: true, Value: "bool"}, {Key: 1.5, Value: "float"}, {Key: lmz.Undefined{}, Value: "undefined"},
		{Key: []any{}, Value: "one object"}, {Key: []any{}, Value: "another"}, {Key: uint64(math.MaxUint64), Value: "large"}}
	var out any
	roundTrip(t, in, &out)
	if !reflect.DeepEqual(any(in), out) {
		t.Errorf("got %#v", out)
	}
}

func TestGoMapsWithOtherKeysAreSorted(t *testing.T) {
	type cell struct{ X, Y int }
	for _, v := range []any{
		map[cell]int{{1, 2}: 3, {0, 0}: 1}, map[float64]bool{1.5: true, -1: false}, map[any]any{"a": 1, 2: "b", true: nil},
	} {
		first := diagnose(t, v)
		for range 20 {
			if again := diagnose(t, v); again != first {
				t.Fatalf("once %s, once %s", first, again)
			}
		}
		back := reflect.New(reflect.TypeOf(v))
		roundTrip(t, v, back.Interface())
		if _, dynamic := v.(map[any]any); !dynamic && !reflect.DeepEqual(back.Elem().Interface(), v) {
			t.Errorf("got %v, want %v", back.Elem(), v)
		}
	}
}

func TestAKeyFromAPeerCannotWriteLinesIntoALog(t *testing.T) {
	data, _ := Marshal(map[string]any{"a\nb": "x"})
	var out map[string]int
	if err := Unmarshal(data, &out); err == nil || err.Error() != `"a\nb": expected integer, got string` {
		t.Errorf("got %v", err)
	}
}
