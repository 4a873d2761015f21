package value

import (
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
)

func TestEncodeErrorsNamePath(t *testing.T) {
	deep := any("x")
	for range cbordoc.MaxNesting + 1 {
		deep = []any{deep}
	}
	type loop *loop
	var l loop
	l = &l
	long := lmz.Ctn("a")
	for range 25 {
		long = long.Then("b")
	}
	for _, test := range []struct {
		name string
		v    any
		want string
	}{
		{"function", func() {}, "func() cannot be sent"},
		{"function in an argument", bareChain{lmz.Ctn("f", map[string]any{"handler": func() {}})},
			"f.args[0].handler: func() cannot be sent"},
		{"channel", []any{1, struct{ C chan int }{}}, "[1].c: chan int cannot be sent"},
		{"complex", map[string]complex128{"z": 1i}, "z: complex128 cannot be sent"},
		{"text that is not UTF-8", map[string]string{"k": "\xff"}, "k: the string is not valid UTF-8; send it as []byte"},
		{"empty continuation", []any{lmz.Continuation{}}, "[0]: the continuation is empty: make one with lmz.Ctn"},
		{"long chain", lmz.Ctn("f", long), "f.args[0]: the chain has 52 operations, more than 50 (naming a method and calling it are two)"},
		{"many arguments", lmz.Ctn("f", make([]any, 101)...), "f: 101 arguments, more than 100"},
		{"pointer to itself", l, "value.loop points to itself"},
		{"boxed list", lmz.Boxed{Value: []int{}}, "lmz.Boxed holds []int, which is not a primitive"},
		{"deep", deep, "nested deeper than 192"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := []byte("before")
			out, err := Append(before, test.v)
			if err == nil {
				t.Fatalf("sent as %x", out)
			}
			if got := err.Error(); got != test.want && !strings.HasSuffix(got, ": "+test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if string(out) != "before" {
				t.Errorf("dst became %q", out)
			}
		})
	}
}

func TestChainLimits(t *testing.T) {
	c := lmz.Ctn("m", make([]any, lmz.MaxArguments)...)
	for range lmz.MaxOperations/2 - 1 {
		c = c.Then("m")
	}
	data, err := MarshalChain(c)
	if err != nil {
		t.Fatal(err)
	}
	if it, err := Parse(data); err != nil {
		t.Fatal(err)
	} else if ops, _ := it.Elements(); len(ops) != lmz.MaxOperations {
		t.Errorf("%d operations", len(ops))
	}
}

func TestMismatchNamesWantedAndGot(t *testing.T) {
	type user struct {
		Name  string
		Age   int8
		Tags  []string
		Birth time.Time
		Next  *user
	}
	for _, test := range []struct {
		name string
		v    any
		into any
		want string
	}{
		{"array for string", []any{}, new(string), "expected string, got array"},
		{"null for string", nil, new(string), "expected string, got null"},
		{"Map for number", lmz.Map{}, new(float64), "expected number, got Map"},
		{"error for bytes", &lmz.Error{}, new([]byte), "expected bytes, got Error"},
		{"text for date", map[string]any{"birth": "today"}, new(user), "birth: expected date, got string"},
		{"deep in a struct", map[string]any{"next": map[string]any{"tags": []any{"a", true}}}, new(user),
			"next.tags[1]: expected string, got boolean"},
		{"large for int8", map[string]any{"age": 300}, new(user), "age: the number 300 does not fit int8"},
		{"fraction for int", 1.5, new(int), "the number 1.5 does not fit int"},
		{"negative for uint", -1, new(uint), "the number -1 does not fit uint"},
		{"large integer for float64", int64(1)<<53 + 1, new(float64), "the number 9007199254740993 does not fit float64"},
		{"string for struct", "x", new(user), "expected object, got string"},
		{"list for fixed array", []int{1}, new([2]int), "expected 2 elements, got 1"},
		{"number for big integer", "x", new(*big.Int), "expected big integer, got string"},
		{"string for error", "x", new(error), "expected error, got string"},
		{"Set for ordered Map", lmz.Set{}, new(lmz.Map), "expected Map, got Set"},
		{"object key for Go map", lmz.Map{{Key: []any{}, Value: 1}}, new(map[any]any), "[0]: a Go map cannot have this key"},
		{"not a pointer", "x", "", "Decode needs a pointer that is not nil, got string"},
	} {
		t.Run(test.name, func(t *testing.T) {
			data, err := Marshal(test.v)
			if err != nil {
				t.Fatal(err)
			}
			err = Unmarshal(data, test.into)
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestPublicErrors(t *testing.T) {
	private := &os.PathError{Op: "open", Path: "/secret", Err: os.ErrNotExist}
	public := &lmz.Error{Name: "E", Message: "public", Cause: private}
	var back []any
	roundTrip(t, []error{private, public, errors.Join(private, public), nil}, &back)
	if e := back[0].(*lmz.Error); e.Message != InternalError || e.Cause != nil {
		t.Errorf("private error: %+v", e)
	}
	for i := range 2 {
		if e := back[i+1].(*lmz.Error); e.Message != "public" || e.Cause != nil {
			t.Errorf("public error %d: %+v", i, e)
		}
	}
	if back[3] != nil {
		t.Errorf("nil error: %v", back[3])
	}
}
