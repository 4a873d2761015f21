package proto

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/node"
	"github.com/lumenize/lmz/internal/value"
)

// calculator is a handler that counts the runs of each method.
type calculator struct {
	lmz.Mux
	ran map[string]int
}

const (
	addMethod  lmz.Method2[int, int, int]    = "add"
	joinMethod lmz.Method1[[]string, string] = "join"
	fail       lmz.Method1[string, struct{}] = "fail"
	refuse     lmz.Method0[struct{}]         = "refuse"
)

var errSecret = errors.New("open /var/data/secret.db")

func newCalculator() *calculator {
	c := &calculator{ran: make(map[string]int)}
	addMethod.Expose(&c.Mux, lmz.Anyone, func(_ context.Context, a, b int) (int, error) {
		c.ran["add"]++
		return a + b, nil
	})
	joinMethod.Expose(&c.Mux, lmz.Anyone, func(_ context.Context, words []string) (string, error) {
		return strings.Join(words, " "), nil
	})
	fail.Expose(&c.Mux, lmz.Anyone, func(_ context.Context, how string) (struct{}, error) {
		switch how {
		case "panic":
			panic("secret")
		case "plain":
			return struct{}{}, errSecret
		case "downstream":
			return struct{}{}, &lmz.Error{Code: lmz.CodeAbsent, Message: "no such node"}
		}
		return struct{}{}, lmz.Errorf("failed as told")
	})
	refuse.Expose(&c.Mux, func(context.Context, *lmz.Request) error { return lmz.Errorf("not you") },
		func(context.Context) (struct{}, error) {
			c.ran["refuse"]++
			return struct{}{}, nil
		})
	c.Expose("admin", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
		c.ran["admin"]++
		return c, nil
	}))
	return c
}

func run(t *testing.T, h lmz.Handler, c lmz.Continuation) (lmz.Value, error) {
	t.Helper()
	chain, err := value.MarshalChain(c)
	if err != nil {
		t.Fatalf("%s: %v", c, err)
	}
	result, err := Execute(t.Context(), h, chain)
	return NewAnswer(result, err).Result()
}

func TestEachStepOfAChainRunsOnceFromLeftToRight(t *testing.T) {
	c := newCalculator()
	work := lmz.Ctn("admin").Then("admin").Then("add", lmz.Ctn("add", 1, 10), lmz.Ctn("add", lmz.Ctn("add", 1, 1), 100))
	v, err := run(t, c, work)
	var sum int
	if err != nil || v.Decode(&sum) != nil || sum != 113 {
		t.Errorf("got %d, %v", sum, err)
	}
	if c.ran["admin"] != 2 || c.ran["add"] != 4 {
		t.Errorf("ran %v", c.ran)
	}
}

func TestContinuationsInsideAListAreEvaluated(t *testing.T) {
	v, err := run(t, newCalculator(), lmz.Ctn("join", []any{"a", lmz.Ctn("join", []string{"b", "c"})}))
	var text string
	if err != nil || v.Decode(&text) != nil || text != "a b c" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestSharedContinuationInManyPlaces(t *testing.T) {
	// ["add", [28(27(["Continuation", ["add", [1, 2]]])), 29(0)]]
	chain := []byte("\x82cadd\x82\xd8\x1c\xd8\x1b\x82lContinuation\x82cadd\x82\x01\x02\xd8\x1d\x00")
	result, err := Execute(t.Context(), newCalculator(), chain)
	if err != nil || result != 6 {
		t.Errorf("got %v, %v", result, err)
	}
}

func TestNestedContinuationsAreBounded(t *testing.T) {
	c := newCalculator()
	wide := make([]any, lmz.MaxArguments)
	for i := range wide {
		wide[i] = lmz.Ctn("add", 1, 1)
	}
	work := lmz.Ctn("admin", wide...)
	for range 6 {
		work = work.Then("admin", wide...)
	}
	chain, err := value.MarshalChain(work)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Execute(t.Context(), c, chain); err == nil || c.ran["add"] > maxSteps || c.ran["add"] < 100 {
		t.Errorf("%d calls were made: %v", c.ran["add"], err)
	}
}

func TestErrorsSayWhoFailedAndNothingElse(t *testing.T) {
	deep := lmz.Ctn("admin")
	for range lmz.MaxOperations/2 - 1 {
		deep = deep.Then("admin")
	}
	for _, tt := range []struct {
		work lmz.Continuation
		code lmz.Code
		text string
	}{
		{lmz.Ctn("fail", ""), lmz.CodeCallee, "failed as told"},
		{lmz.Ctn("fail", "plain"), lmz.CodeCallee, "internal error"},
		{lmz.Ctn("fail", "panic"), lmz.CodeCallee, "internal error"},
		{lmz.Ctn("fail", "downstream"), lmz.CodeCallee, "no such node"},
		{lmz.Ctn("refuse"), lmz.CodeGuard, "not you"},
		{lmz.Ctn("missing"), lmz.CodeAbsent, `"missing"`},
		{lmz.Ctn("admin").Then("refuse"), lmz.CodeCallee, "not you"},
		{lmz.Ctn("admin").Then("missing"), lmz.CodeCallee, `"missing"`},
		{lmz.Ctn("add", 1, 2).Then("add"), lmz.CodeCallee, "takes no calls"},
		{lmz.Ctn("add", "one", 2), lmz.CodeCallee, "argument 1"},
		{lmz.Ctn("add", 1), lmz.CodeCallee, "argument 2 is missing"},
		{lmz.Ctn("add", 1, lmz.Undefined{}), lmz.CodeCallee, "argument 2 is missing"},
		{deep, lmz.CodeCallee, "cannot be sent"}, // it runs to the end; the result is the handler itself
	} {
		_, err := run(t, newCalculator(), tt.work)
		if lmz.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.text) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %q %v, want %q %s", tt.work, lmz.CodeOf(err), err, tt.code, tt.text)
		}
		if ran := errors.Is(err, lmz.ErrNotExecuted); ran != (tt.code == lmz.CodeGuard || tt.code == lmz.CodeAbsent) {
			t.Errorf("%s: not executed is %v", tt.work, ran)
		}
	}
}

func TestHostileChainsAreRefused(t *testing.T) {
	for name, chain := range map[string]any{
		"no array":           "add",
		"empty":              []any{},
		"a property read":    []any{"total"},
		"two property reads": []any{"admin", "total"},
		"a call of a call":   []any{"admin", []any{}, []any{}, []any{}},
		"a number as method": []any{1, []any{}},
		"51 operations":      manyOperations(51),
		"101 arguments":      []any{"add", make([]any, 101)},
	} {
		data, err := value.Marshal(chain)
		if err != nil {
			t.Fatal(err)
		}
		c := newCalculator()
		if _, err := Execute(t.Context(), c, data); err == nil || len(c.ran) > 0 {
			t.Errorf("%s: error %v, ran %v", name, err, c.ran)
		}
	}
}

func manyOperations(n int) []any {
	var ops []any
	for len(ops) < n {
		ops = append(ops, "admin", []any{})
	}
	return ops[:n]
}

func TestACallContextSurvivesTheWire(t *testing.T) {
	state, err := encodeValue("blue")
	if err != nil {
		t.Fatal(err)
	}
	want := lmz.CallContext{
		Chain: []lmz.Identity{
			{Type: lmz.TypeClient, Address: lmz.At("GATEWAY", "ann.tab")},
			{Type: lmz.TypeWorker, Address: lmz.Worker("W")},
		},
		Auth:        &lmz.Auth{Subject: "ann", Claims: map[string]any{"email": "ann@example.com"}},
		State:       map[string]lmz.Value{"colour": state},
		ClientState: map[string]lmz.Value{"colour": state},
	}
	data, err := MarshalContext(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := UnmarshalContext(data)
	if err != nil || len(got.Chain) != 2 || got.Origin() != want.Origin() || got.Caller() != want.Caller() ||
		got.Auth.Subject != "ann" || got.Auth.Claims["email"] != "ann@example.com" {
		t.Errorf("got %+v, %v", got, err)
	}
	var colour string
	if err := got.ClientState["colour"].Decode(&colour); err != nil || colour != "blue" || len(got.State) != 1 {
		t.Errorf("state: %q, %v", colour, err)
	}
}

func TestErrorAnswersAlwaysCanBeSent(t *testing.T) {
	read := func(e *lmz.Error) *lmz.Error {
		answer := ErrorAnswer(e)
		if answer.Failed != lmz.CodeCallee {
			t.Errorf("failed: %q", answer.Failed)
		}
		_, err := answer.Result()
		return node.PublicError(err)
	}
	e := read(&lmz.Error{Code: lmz.CodeCallee, Name: "E", Message: "m", Fields: map[string]any{"f": func() {}, "field": "email"},
		Cause: &lmz.Error{Message: "\xff"}})
	if e == nil || e.Name != "E" || e.Message != "m" || e.Fields["field"] != "email" || len(e.Fields) != 1 || e.Cause != nil {
		t.Errorf("%+v", e)
	}
	e = read(&lmz.Error{Code: lmz.CodeCallee, Message: "open \xff: no such file"})
	if e == nil || e.Name != "TypeError" || e.Message != "the error cannot be sent: message: the string is not valid UTF-8; send it as []byte" {
		t.Errorf("%+v", e)
	}
}
