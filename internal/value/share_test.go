package value

import (
	"reflect"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/lumenize/lmz"
)

type linked struct {
	Name string
	Next *linked
	Any  any
}

func diagnose(t *testing.T, v any) string {
	t.Helper()
	data, err := Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	text, err := cbor.Diagnose(data)
	if err != nil {
		t.Fatalf("%x: %v", data, err)
	}
	return text
}

func roundTrip(t *testing.T, v, into any) {
	t.Helper()
	data, err := Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := Unmarshal(data, into); err != nil {
		t.Fatalf("%x: %v", data, err)
	}
}

func TestOnlyWhatIsSharedIsMarked(t *testing.T) {
	shared := map[string]any{"n": 1}
	list := []any{shared, shared, map[string]any{"n": 1}}
	const want = `[28({"n": 1}), 29(0), {"n": 1}]`
	if got := diagnose(t, list); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := diagnose(t, []any{&point{1, 2}, []int{1}}); got != `[{"x": 1, "y": 2}, [1]]` {
		t.Errorf("got %s", got)
	}
	nothing := []any{}
	if got := diagnose(t, []any{nothing, nothing, struct{}{}}); got != `[[], [], {}]` {
		t.Errorf("empty values have no identity, got %s", got)
	}
}

func TestSharedValuesNumberedByBegin(t *testing.T) {
	inner := []any{"i"}
	outer := map[string]any{"inner": inner}
	got := diagnose(t, []any{outer, inner, outer})
	if want := `[28({"inner": 28(["i"])}), 29(1), 29(0)]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCyclesOfPointersComeBack(t *testing.T) {
	a, b := &linked{Name: "a"}, &linked{Name: "b"}
	a.Next, b.Next = b, a
	var back *linked
	roundTrip(t, a, &back)
	if back.Name != "a" || back.Next.Name != "b" || back.Next.Next != back {
		t.Errorf("got %+v", back)
	}
	var root linked // the pointer given to Decode is the root's identity
	roundTrip(t, a, &root)
	if root.Next.Next != &root {
		t.Error("the cycle does not lead back to the value decoded into")
	}
}

func TestCyclesThroughAnyComeBack(t *testing.T) {
	object := map[string]any{"name": "c"}
	object["self"] = object
	list := []any{nil, object}
	list[0] = list
	set := lmz.Set{nil}
	set[0] = set
	m := lmz.Map{{}}
	m[0] = lmz.MapEntry{Key: m, Value: "m"}
	failure := &lmz.Error{Name: "Error", Message: "c"}
	failure.Cause = failure

	var back []any
	roundTrip(t, []any{object, list, set, m, failure}, &back)
	o := back[0].(map[string]any)
	if self := o["self"].(map[string]any); reflect.ValueOf(self).Pointer() != reflect.ValueOf(o).Pointer() {
		t.Error("object: another one")
	}
	l := back[1].([]any)
	if inner := l[0].([]any); &inner[0] != &l[0] {
		t.Error("list: another one")
	}
	if reflect.ValueOf(l[1]).Pointer() != reflect.ValueOf(o).Pointer() {
		t.Error("the object in the list is another one")
	}
	s := back[2].(lmz.Set)
	if inner := s[0].(lmz.Set); &inner[0] != &s[0] {
		t.Error("set: another one")
	}
	mm := back[3].(lmz.Map)
	if inner := mm[0].Key.(lmz.Map); &inner[0] != &mm[0] {
		t.Error("map: another one")
	}
	if e := back[4].(*lmz.Error); e.Cause != error(e) {
		t.Error("error: its cause is another one")
	}
}

func TestIdentityAcrossTypedAndDynamic(t *testing.T) {
	type both struct {
		Typed *lmz.Error
		Map   map[string]any
		Any   []any
	}
	e, m := &lmz.Error{Name: "Error"}, map[string]any{"a": "b"}
	var back both
	roundTrip(t, both{e, m, []any{e, m}}, &back)
	if back.Any[0] != any(back.Typed) {
		t.Error("the error is two errors")
	}
	if reflect.ValueOf(back.Any[1]).Pointer() != reflect.ValueOf(back.Map).Pointer() {
		t.Error("the map is two maps")
	}
}

func TestPointersToSharedValues(t *testing.T) {
	m := map[string]int{"a": 1}
	p := &point{1, 2}
	pp := &p
	var a any = p
	got := diagnose(t, []any{m, &m, p, pp, &pp, &a})
	if want := `[28({"a": 1}), 29(0), 28({"x": 1, "y": 2}), 29(1), 29(1), 29(1)]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAPointerToTheFirstFieldIsNotTheStruct(t *testing.T) {
	type outer struct{ In point }
	o := &outer{point{1, 2}}
	if got := diagnose(t, []any{o, &o.In}); got != `[{"in": {"x": 1, "y": 2}}, {"x": 1, "y": 2}]` {
		t.Errorf("got %s", got)
	}
}

func TestItemReferencesInAnotherDocument(t *testing.T) {
	shared := []any{"s"}
	data, err := Marshal([]any{shared, map[string]any{"again": shared, "more": shared}, "text"})
	if err != nil {
		t.Fatal(err)
	}
	root, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	parts, _ := root.Elements()

	alone, err := parts[1].SelfContained()
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := cbor.Diagnose(alone); got != `{"again": 28(["s"]), "more": 29(0)}` {
		t.Errorf("self-contained: %s", got)
	}
	if text, _ := parts[2].SelfContained(); string(text) != "dtext" {
		t.Errorf("self-contained text: %q", text)
	}

	// The embedded document and the enclosing one share one numbering; two items of one document
	// still share values.
	other := []any{"o"}
	got := diagnose(t, []any{other, parts[1], parts[0], root, other, lmz.Ctn("m", parts[2])})
	want := `[28(["o"]), {"again": 28(["s"]), "more": 29(1)}, 29(1), [29(1), {"again": 29(1), "more": 29(1)}, "text"], 29(0), ` +
		`27(["Continuation", ["m", ["text"]]])]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAnItemDecodesWhatItRefersToElsewhere(t *testing.T) {
	n := &linked{Name: "n"}
	n.Next = n
	data, _ := Marshal([]any{n, []any{n, "x"}})
	root, _ := Parse(data)
	parts, _ := root.Elements()
	inner, ok := parts[1].Elements()
	if !ok || len(inner) != 2 {
		t.Fatal("no elements")
	}
	var got *linked
	if err := inner[0].Decode(&got); err != nil || got.Name != "n" || got.Next != got {
		t.Fatalf("got %+v, %v", got, err)
	}
	if text, ok := inner[1].Text(); !ok || text != "x" {
		t.Errorf("got %q, %v", text, ok)
	}
}

func TestTextAndElementsThroughReferences(t *testing.T) {
	args := []any{"a"}
	data, err := MarshalChain(lmz.Ctn("f", args, lmz.Ctn("g", args)))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := cbor.Diagnose(data); got != `["f", [28(["a"]), 27(["Continuation", ["g", [29(0)]]])]]` {
		t.Fatalf("got %s", got)
	}
	root, _ := Parse(data)
	chain, _ := root.Elements()
	outer, _ := chain[1].Elements()
	name, parts, ok := outer[1].Object()
	if !ok || name != "Continuation" || len(parts) != 1 {
		t.Fatalf("got %q, %d parts, %v", name, len(parts), ok)
	}
	nested, _ := parts[0].Elements()
	nestedArgs, _ := nested[1].Elements()
	elements, ok := nestedArgs[0].Elements()
	if !ok || len(elements) != 1 {
		t.Fatal("the reference is not followed")
	}
	if text, _ := elements[0].Text(); text != "a" {
		t.Errorf("got %q", text)
	}
}
