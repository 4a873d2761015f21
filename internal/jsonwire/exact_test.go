package jsonwire

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/value"
)

func TestNegativeZeroKeepsItsSignOnJSON(t *testing.T) {
	zero := math.Copysign(0, -1)
	for _, v := range []any{
		zero, []any{zero}, []float64{zero, 1}, []float32{float32(zero)}, lmz.Boxed{Value: zero}, lmz.Map{{Key: "k", Value: zero}},
		lmz.HTTPRequest{URL: "http://a/", Method: "GET", Body: []any{zero}}, &lmz.Error{Message: "m", Fields: map[string]any{"f": zero}},
	} {
		doc, err := value.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		text, err := ToJSON(doc)
		if err != nil {
			t.Fatal(err)
		}
		back, err := FromJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ToJSON(back)
		if err != nil || string(again) != string(text) || !strings.Contains(string(text), "-0") {
			t.Errorf("%T: %s is read as %s (%v)", v, text, again, err)
		}
	}
}

func TestKeysThatAreOneInJavaScript(t *testing.T) {
	for doc, want := range map[string]string{
		"\xd9\x01\x03\xa2\x01\xf6\xf9\x3c\x00\xf6":                         "[1].key: it occurs twice", // 1 and 1.0
		"\xd9\x01\x03\xa2\x61a\xf6\x78\x01a\xf6":                           "[1].key: it occurs twice", // a longer head
		"\xd9\x01\x02\x82\xf9\x7e\x00\xfb\x7f\xf8\x00\x00\x00\x00\x00\x01": "[1]: it occurs twice",     // NaN
		"\xd9\x01\x02\x82\xd8\x1c\x80\xd8\x1d\x00":                         "[1]: it occurs twice",     // one array
	} {
		if text, err := ToJSON([]byte(doc)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%x: %s, %v; want %q", doc, text, err, want)
		}
	}
}

func TestSetsOnJSONWithOneElementTwice(t *testing.T) {
	for _, values := range []string{`[1,"1",1]`, `["a",0,"a"]`, `[null,{},null]`, `[{"$type":"bigint","value":"7"},0,{"$type":"bigint","value":"7"}]`} {
		doc, err := FromJSON([]byte(`{"json":{"s":{"$type":"set","values":` + values + `}},"meta":{}}`))
		if err == nil || !strings.Contains(err.Error(), "s[2]: it occurs twice") {
			t.Errorf("%s: %x, %v", values, doc, err)
		}
	}
}

func TestDistinctKeysOnJSON(t *testing.T) {
	nan, shared := math.NaN(), &lmz.Error{Message: "m"}
	for _, v := range []any{
		map[float64]string{nan: "one"}, map[any]int{1: 1, "1": 2, big.NewInt(1): 3, 1.5: 4, true: 5},
		lmz.Map{{Key: []any{}}, {Key: []any{}}}, lmz.Map{{Key: nil}, {Key: shared}, {Key: &lmz.Error{Message: "m"}}}, lmz.Set{1, 2.5, "1", nil},
	} {
		doc, err := value.Marshal(v)
		if err == nil {
			_, err = ToJSON(doc)
		}
		if err != nil {
			t.Errorf("%v: %v", v, err)
		}
	}
}
