package proto

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/value"
)

// recorder accepts any arguments, records them decoded, and counts in next.
type recorder struct {
	lmz.Mux
	got  []any
	next int
}

func newRecorder() *recorder {
	r := new(recorder)
	r.Expose("take", lmz.Anyone, lmz.HandlerFunc(func(_ context.Context, req *lmz.Request) (any, error) {
		r.got = make([]any, len(req.Args))
		for i, arg := range req.Args {
			if err := arg.Decode(&r.got[i]); err != nil {
				return nil, err
			}
		}
		return lmz.Undefined{}, nil
	}))
	r.Expose("next", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
		r.next++
		return r.next, nil
	}))
	r.Expose("self", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return r, nil }))
	return r
}

func TestContinuationsInAnyContainer(t *testing.T) {
	next := lmz.Ctn("next")
	type inner struct{ N any }
	type outer struct {
		Inner inner
		Many  []inner
		Words map[string]any
	}
	for _, tt := range []struct {
		name      string
		arg, want any
	}{
		{"alone", next, int64(1)},
		{"slice", []any{"a", next}, []any{"a", int64(1)}},
		{"map", map[string]any{"b": next, "a": "x"}, map[string]any{"a": "x", "b": int64(1)}},
		{"struct", outer{inner{next}, []inner{{next}, {next}}, map[string]any{"deep": []any{map[string]any{"er": next}}}}, map[string]any{
			"inner": map[string]any{"n": int64(1)},
			"many":  []any{map[string]any{"n": int64(2)}, map[string]any{"n": int64(3)}},
			"words": map[string]any{"deep": []any{map[string]any{"er": int64(4)}}},
		}},
		{"Map and Set", lmz.Map{{Key: "k", Value: lmz.Set{next, "s"}}}, lmz.Map{{Key: "k", Value: lmz.Set{int64(1), "s"}}}},
		{"error", &lmz.Error{Name: "E", Message: "m", Fields: map[string]any{"n": next}},
			&lmz.Error{Name: "E", Message: "m", Fields: map[string]any{"n": int64(1)}}},
		{"text that looks like one", []any{"Continuation", next, "Result"}, []any{"Continuation", int64(1), "Result"}},
	} {
		r := newRecorder()
		if _, err := run(t, r, lmz.Ctn("take", tt.arg)); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if !reflect.DeepEqual(r.got, []any{tt.want}) {
			t.Errorf("%s: got %#v, want %#v", tt.name, r.got[0], tt.want)
		}
	}
}

func TestSharedListIsEvaluatedOnce(t *testing.T) {
	list := []any{lmz.Ctn("next")}
	r := newRecorder()
	if _, err := run(t, r, lmz.Ctn("take", list, map[string]any{"list": list})); err != nil {
		t.Fatal(err)
	}
	if r.next != 1 || !reflect.DeepEqual(r.got, []any{[]any{int64(1)}, map[string]any{"list": []any{int64(1)}}}) {
		t.Errorf("evaluated %d times, got %v", r.next, r.got)
	}
}

func TestAContinuationThatIsUsedTwiceIsDoneTwice(t *testing.T) {
	next := lmz.Ctn("next")
	r := newRecorder()
	if _, err := run(t, r, lmz.Ctn("self").Then("take", next, []any{next}).Then("x")); err == nil {
		t.Error("no error although take returns no handler")
	}
	if !reflect.DeepEqual(r.got, []any{int64(1), []any{int64(2)}}) {
		t.Errorf("got %v", r.got)
	}
}

func TestACycleBesideAContinuationStaysOne(t *testing.T) {
	cyclic := map[string]any{"next": lmz.Ctn("next")}
	cyclic["me"] = cyclic
	r := newRecorder()
	if _, err := run(t, r, lmz.Ctn("take", cyclic)); err != nil {
		t.Fatal(err)
	}
	got := r.got[0].(map[string]any)
	if got["next"] != int64(1) || reflect.ValueOf(got["me"]).Pointer() != reflect.ValueOf(got).Pointer() {
		t.Errorf("got %v", got["next"])
	}
}

func TestANestedResultThatTakesCallsIsNoArgument(t *testing.T) {
	r := newRecorder()
	if _, err := run(t, r, lmz.Ctn("take", []any{lmz.Ctn("self")})); err == nil || r.got != nil {
		t.Errorf("take got %v, %v", r.got, err)
	}
}

func TestReturnedContinuationIsNotEvaluated(t *testing.T) {
	r := newRecorder()
	r.Expose("bomb", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
		return []any{lmz.Ctn("next")}, nil
	}))
	if _, err := run(t, r, lmz.Ctn("take", map[string]any{"a": lmz.Ctn("bomb")})); err != nil {
		t.Fatal(err)
	}
	if r.next != 0 || !reflect.DeepEqual(r.got, []any{map[string]any{"a": []any{lmz.Ctn("next")}}}) {
		t.Errorf("ran %d times, got %#v", r.next, r.got)
	}
}

func TestAReplyHasItsOutcomeWhereverResultStands(t *testing.T) {
	ok := Answer{Payload: []byte{0x18, 0x2a}} // 42
	next := lmz.Ctn("next")
	for _, tt := range []struct {
		name  string
		reply lmz.Continuation
		want  []any
	}{
		{"first", lmz.Ctn("take", lmz.Result, "x"), []any{int64(42), "x"}},
		{"missing", lmz.Ctn("take", "x"), []any{"x", int64(42)}},
		{"twice", lmz.Ctn("take", lmz.Result, lmz.Result), []any{int64(42), int64(42)}},
		{"deep", lmz.Ctn("take", []any{map[string]any{"r": []any{lmz.Result}}}, next),
			[]any{[]any{map[string]any{"r": []any{int64(42)}}}, int64(1)}},
		{"in a struct", lmz.Ctn("take", struct{ R any }{lmz.Result}), []any{map[string]any{"r": int64(42)}}},
		{"in a chain", lmz.Ctn("self").Then("take", lmz.Result), []any{int64(42)}},
	} {
		r := newRecorder()
		if _, err := ExecuteReply(t.Context(), r, tt.reply, ok); err != nil || !reflect.DeepEqual(r.got, tt.want) {
			t.Errorf("%s: got %#v, %v; want %#v", tt.name, r.got, err, tt.want)
		}
	}
}

func TestAnOutcomeIsNotEvaluated(t *testing.T) {
	work, err := value.Marshal([]any{lmz.Ctn("next"), lmz.Result})
	if err != nil {
		t.Fatal(err)
	}
	for _, reply := range []lmz.Continuation{lmz.Ctn("take"), lmz.Ctn("take", []any{lmz.Result})} {
		r := newRecorder()
		if _, err := ExecuteReply(t.Context(), r, reply, Answer{Payload: work}); err != nil || r.next != 0 {
			t.Errorf("ran %d times, %v", r.next, err)
		}
	}
}

func TestAReplyLearnsWhoFailed(t *testing.T) {
	for _, code := range []lmz.Code{lmz.CodeCallee, lmz.CodeGuard, lmz.CodeAbsent, lmz.CodeGateway, lmz.CodeUnknown} {
		var got error
		h := lmz.HandlerFunc(func(_ context.Context, req *lmz.Request) (any, error) {
			_, got = lmz.ResultOf[int](req.Args[0])
			return nil, nil
		})
		failed := ErrorAnswer(&lmz.Error{Code: code, Message: "no", Fields: map[string]any{"n": int64(1)}})
		if _, err := ExecuteReply(t.Context(), h, lmz.Ctn("done"), failed); err != nil {
			t.Fatal(err)
		}
		var e *lmz.Error
		if !errors.As(got, &e) || e.Code != code || e.Message != "no" || len(e.Fields) != 1 {
			t.Errorf("got %#v, want the code %s", got, code)
		}
	}
}
