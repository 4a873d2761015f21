package proto

import (
	"math"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
)

func TestNegativeZeroKeepsItsSignOnJSON(t *testing.T) {
	zero := math.Copysign(0, -1)
	for _, v := range []any{
		zero, []any{zero}, []float64{zero, 1}, []float32{float32(zero)}, lmz.Boxed{Value: zero}, lmz.Map{{Key: "k", Value: zero}},
		lmz.HTTPRequest{URL: "http://a/", Method: "GET", Body: []any{zero}}, &lmz.Error{Message: "m", Fields: map[string]any{"f": zero}},
	} {
		doc, err := Marshal(v)
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
