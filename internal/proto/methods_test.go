package proto

import (
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/value"
)

func TestMethodsNamesEveryMethodThatACallAsksFor(t *testing.T) {
	for want, c := range map[string]lmz.Continuation{
		"hello":             lmz.Ctn("hello", "admin", []byte("reset")),
		"admin reset":       lmz.Ctn("admin").Then("reset"),
		"add add":           lmz.Ctn("add", lmz.Ctn("add", 1, 10), 100),
		"list deep deeper":  lmz.Ctn("list", []any{1, map[string]any{"x": []any{lmz.Ctn("deep", lmz.Ctn("deeper"))}}}),
		"then first second": lmz.Ctn("then", lmz.Ctn("first").Then("second")),
	} {
		chain, err := value.MarshalChain(c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Methods(chain)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v; want %q", c, got, err, want)
		}
	}
}

func TestMethodsOfSharedWork(t *testing.T) {
	// ["list", [28(["secret", []]), 27(["Continuation", 29(0)])]]
	chain := []byte("\x82\x64list\x82\xd8\x1c\x82\x66secret\x80\xd8\x1b\x82\x6cContinuation\xd8\x1d\x00")
	if got, err := Methods(chain); err != nil || strings.Join(got, " ") != "list secret" {
		t.Errorf("%q, %v", got, err)
	}
	// the name of the type is a reference as well
	chain = []byte("\x82\x64list\x82\xd8\x1c\x6cContinuation\xd8\x1b\x82\xd8\x1d\x00\x82\x66secret\x80")
	if got, err := Methods(chain); err != nil || strings.Join(got, " ") != "list secret" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestMethodsRefusesWhatNoNodeRuns(t *testing.T) {
	long := lmz.Ctn("a")
	for range 25 {
		long = long.Then("a")
	}
	many := make([]any, 30)
	for i := range many {
		many[i] = lmz.Ctn("a").Then("a").Then("a").Then("a").Then("a").Then("a").Then("a").Then("a").Then("a").Then("a").
			Then("a").Then("a").Then("a").Then("a").Then("a").Then("a").Then("a").Then("a")
	}
	for name, v := range map[string]any{
		"52 operations":   long,
		"a property":      []any{"a"},
		"nothing":         []any{},
		"no array":        "a",
		"no name":         []any{1, []any{}},
		"nested property": []any{"a", []any{lmz.Ctn("b", many...)}},
	} {
		chain, err := value.Marshal(v)
		if c, ok := v.(lmz.Continuation); ok {
			var ops []any
			for _, op := range c.Ops() {
				ops = append(ops, op.Method, []any{})
			}
			chain, err = value.Marshal(ops)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := Methods(chain); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
}
