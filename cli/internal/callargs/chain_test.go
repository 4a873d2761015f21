package callargs

import (
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
)

func TestChainSyntax(t *testing.T) {
	for text, want := range map[string]lmz.Continuation{
		"admin().forceReset()":                    lmz.Ctn("admin").Then("forceReset"),
		"add(add(1,10),100)":                      lmz.Ctn("add", lmz.Ctn("add", int64(1), int64(10)), int64(100)),
		" a ( ) . b ( ) ":                         lmz.Ctn("a").Then("b"),
		`f("a\"b", 'it\'s "x"', "\u00e9\n")`:      lmz.Ctn("f", `a"b`, `it's "x"`, "é\n"),
		"f(-1, 1.5e3, -0.5, 12n, -3n)":            lmz.Ctn("f", int64(-1), 1500.0, -0.5, big.NewInt(12), big.NewInt(-3)),
		"f(true,false,null,undefined)":            lmz.Ctn("f", true, false, nil, lmz.Undefined{}),
		`f([], [1, [g()]], {a: {"b-c": g(2)}})`:   lmz.Ctn("f", []any{}, []any{int64(1), []any{lmz.Ctn("g")}}, map[string]any{"a": map[string]any{"b-c": lmz.Ctn("g", int64(2))}}),
		"true().null(undefined())":                lmz.Ctn("true").Then("null", lmz.Ctn("undefined")),
		"größe_1$(x().y())":                       lmz.Ctn("größe_1$", lmz.Ctn("x").Then("y")),
		`f({json: 1, more: 2, meta: {}}, {a: 1})`: lmz.Ctn("f", map[string]any{"json": int64(1), "more": int64(2), "meta": map[string]any{}}, map[string]any{"a": int64(1)}),
	} {
		got, err := parseChain(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v", text, got, err)
		}
	}
}

func TestChainSyntaxErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":          "at the end of the chain: expected a method name",
		"f":         "at the end of the chain: expected ( after f",
		"f(":        "at the end of the chain: expected a value",
		"f(1":       "expected , or )",
		"f(1,)":     "at character 5 of the chain: expected a value",
		"f()x":      "at character 4 of the chain: expected the end or a dot",
		"f().":      "expected a method name",
		"f.g()":     "at character 2 of the chain: expected ( after f",
		"f(a)":      "expected ( after a",
		"f({1: 2})": "expected a member name",
		"f('\\x')":  "the string is not JSON",
		"f('é', 'x": "at character 8 of the chain: the string that begins here is not closed",
		"f(1-2)":    "not a number",
		"f(1.5n)":   "not a number",
		"f({json: {\"$type\": \"date\"}, meta: {}})": "cannot read the {json, meta} value",
		"f({json: g(), meta: {}})":                   "it must contain only JSON",
		"f(" + strings.Repeat("[", 101):              "nested too deep",
		"1()":                                        "expected a method name, got '1'",
		"f(\xff)":                                    "expected a value",
	} {
		if c, err := parseChain(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want %q", text, c, err, want)
		}
	}
}

func TestRandomChains(t *testing.T) {
	parts := []string{"f", "(", ")", ".", ",", "[", "]", "{", "}", ":", "'", `"`, `\`, "1", "n", "-", "json", "meta", " ", "é", "\xff", "null"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var text strings.Builder
		for range random.IntN(15) {
			text.WriteString(parts[random.IntN(len(parts))])
		}
		if c, err := parseChain(text.String()); err == nil && len(c.Ops()) == 0 {
			t.Errorf("%q is an empty chain", &text)
		}
	}
}
