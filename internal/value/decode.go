package value

import (
	"reflect"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/cbordoc"
)

// Decode stores the item in the variable that into points to. The type of the variable
// decides how; an any receives nil,
// [lmz.Undefined], bool, int64 (uint64 or *big.Int where it does not fit),
// float64, string, []byte, []any, map[string]any, [lmz.Map], [lmz.Set],
// [time.Time], *big.Int, *url.URL, [*lmz.Error], the numeric slices, and the
// other types of package lmz.
//
// A value that the document shares becomes one value in Go if the type has an identity:
// a pointer, a map or a slice, which may be cyclic. Any other type receives a copy.
//
// Undefined leaves the variable as it was, because that is how JavaScript omits a member;
// null fits only types that can be nil. Members that a struct does not have are ignored.
func (it Item) Decode(into any) error {
	if it.data == nil {
		it.data, it.end = UndefinedDocument, 1
	}
	if done, err := it.decodeText(into); done {
		return err
	}
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return &cbordoc.Error{What: "Decode needs a pointer that is not nil, got " + typeName(into)}
	}
	d := newDecoder(it, cbordoc.Budget(len(it.data)))
	if h, next := cbordoc.HeadAt(it.data, it.start); h.Major == cbordoc.MajorTag && h.Arg == cbordoc.TagShared {
		d.register(d.Refs.Number(next), v)
	}
	_, err := d.value(it.start, v.Elem())
	return err
}

// decodeText is a fast path: most arguments are strings.
func (it Item) decodeText(into any) (done bool, err error) {
	p, ok := into.(*string)
	if !ok || p == nil {
		return false, nil
	}
	h, pos := cbordoc.HeadAt(it.data, it.start)
	if h.Major != cbordoc.MajorText {
		return false, nil
	}
	*p = string(it.data[pos : pos+int(h.Arg)])
	return true, nil
}

// decoder decodes one item of a parsed document into a Go value.
type decoder struct {
	cbordoc.Reader
	typed map[sharedKey]reflect.Value // shared values by the type they were decoded into
	loose map[int]any                 // shared values decoded into any
}

func newDecoder(it Item, budget int) decoder {
	return decoder{Reader: cbordoc.NewReader(it.data, it.refs, budget)}
}

type sharedKey struct {
	number int
	what   reflect.Type
}

// value decodes the item at pos into v and returns the item's end.
func (d *decoder) value(pos int, v reflect.Value) (end int, err error) {
	if err := d.Visit(); err != nil {
		return 0, err
	}
	defer d.Leave()
	t := d.Token(pos)
	if t.Major == cbordoc.MajorTag {
		switch t.Arg {
		case cbordoc.TagShared:
			return d.sharedHere(t, v)
		case cbordoc.TagReference:
			number, end := cbordoc.HeadAt(d.Data, t.Next)
			_, err := d.shared(int(number.Arg), v)
			return end, err
		}
	}
	return d.plain(t, v, unmarked)
}

// unmarked is the number of a value that is not shared.
const unmarked = -1

func (d *decoder) sharedHere(t cbordoc.Token, v reflect.Value) (end int, err error) {
	end, err = d.shared(d.Refs.Number(t.Next), v)
	if end == 0 && err == nil { // decoded before
		end = cbordoc.Skip(d.Data, t.Next)
		err = d.Charge(end - t.Next)
	}
	return end, err
}

// shared decodes the shared value with this number into v. The end is 0 if the value had
// been decoded before.
func (d *decoder) shared(n int, v reflect.Value) (end int, err error) {
	if known, ok := d.known(n, v.Type()); ok {
		v.Set(known)
		return 0, nil
	}
	t := d.Token(d.Refs.Marks[n])
	switch v.Kind() {
	case reflect.Pointer:
		if t.IsNothing() {
			break
		}
		p := reflect.New(v.Type().Elem())
		if err := d.Charge(int(v.Type().Elem().Size())); err != nil {
			return 0, err
		}
		d.register(n, p)
		v.Set(p)
		return d.shared(n, p.Elem())
	case reflect.Map, reflect.Slice, reflect.Interface:
		return d.plain(t, v, n)
	}
	return d.plain(t, v, unmarked)
}

// known returns the shared value if it has been decoded into this type before.
func (d *decoder) known(n int, t reflect.Type) (reflect.Value, bool) {
	if x, ok := d.loose[n]; ok && t == reflect.TypeFor[any]() {
		if x == nil {
			return reflect.Zero(t), true
		}
		return reflect.ValueOf(x), true
	}
	if v, ok := d.typed[sharedKey{n, t}]; ok {
		return v, true
	}
	if x, ok := d.loose[n]; ok && reflect.TypeOf(x) == t {
		return reflect.ValueOf(x), true
	}
	return reflect.Value{}, false
}

// register records v, a pointer, map or slice, as the shared value n. Call it before the
// contents are decoded, because they may refer to it.
func (d *decoder) register(n int, v reflect.Value) {
	if n == unmarked {
		return
	}
	switch x := v.Interface().(type) {
	case map[string]any, []any, lmz.Map, lmz.Set, *lmz.Error:
		d.registerAny(n, x) // the form that an any receives
		return
	}
	if d.typed == nil {
		d.typed = make(map[sharedKey]reflect.Value)
	}
	d.typed[sharedKey{n, v.Type()}] = v
}

func (d *decoder) registerAny(n int, x any) {
	if n == unmarked {
		return
	}
	if d.loose == nil {
		d.loose = make(map[int]any)
	}
	d.loose[n] = x
}

// plain decodes an item that follows tags 28 and 29. The mark is the number of a shared value, or
// unmarked.
func (d *decoder) plain(t cbordoc.Token, v reflect.Value, mark int) (end int, err error) {
	kind := v.Kind()
	if kind == reflect.Interface {
		return d.intoInterface(t, v, mark)
	}
	c := classOf(v.Type())
	if c != byItem && c != byUndefined && t.IsNothing() {
		switch kind {
		case reflect.Pointer, reflect.Map, reflect.Slice:
			v.SetZero()
			return t.Next, nil
		}
		if t.Info == cbordoc.InfoUndefined {
			return t.Next, nil
		}
		return 0, d.mismatch(v.Type(), t)
	}
	if kind == reflect.Pointer {
		return d.intoPointer(t, v, mark)
	}
	if c == byKind || c == byText || c == byFailure || c == byValue {
		return d.intoKind(t, v, mark)
	}
	return d.intoClass(c, t, v, mark)
}

func (d *decoder) intoPointer(t cbordoc.Token, v reflect.Value, mark int) (end int, err error) {
	elem := v.Type().Elem()
	if err := d.Charge(int(elem.Size())); err != nil {
		return 0, err
	}
	p := reflect.New(elem)
	end, err = d.plain(t, p.Elem(), mark)
	v.Set(p)
	return end, err
}

// intoInterface decodes into an any, or into an interface such as error that the decoded
// value implements.
func (d *decoder) intoInterface(t cbordoc.Token, v reflect.Value, mark int) (end int, err error) {
	if v.Type() == reflect.TypeFor[lmz.Value]() {
		end = cbordoc.Skip(d.Data, t.Pos)
		v.Set(reflect.ValueOf(d.Item(t.Pos, end)))
		return end, d.Charge(end - t.Pos)
	}
	x, end, err := d.marked(t, mark)
	if err != nil {
		return 0, err
	}
	if x == nil {
		v.SetZero()
		return end, nil
	}
	found := reflect.ValueOf(x)
	if !found.Type().AssignableTo(v.Type()) {
		return 0, d.mismatch(v.Type(), t)
	}
	v.Set(found)
	return end, nil
}

func (d *decoder) Item(start, end int) Item {
	return Item{data: d.Data, start: start, end: end, refs: d.Refs}
}

// Unmarshal is [Parse] and [Item.Decode]: it stores the value that data encodes in the
// variable that into points to.
func Unmarshal(data []byte, into any) error {
	it, err := Parse(data)
	if err != nil {
		return err
	}
	return it.Decode(into)
}
