package jsonwire

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lumenize/lmz/internal/cbordoc"
)

// recipe describes a value to another program, which can then build it without relying on our
// codecs. oracle.mjs reads it.
type recipe struct {
	Kind    string    `json:"kind"`
	ID      int       `json:"id,omitempty"` // for references to it
	Ref     int       `json:"ref,omitempty"`
	Text    string    `json:"text"`
	Name    string    `json:"name,omitempty"`
	Stack   string    `json:"stack,omitempty"`
	Cause   *recipe   `json:"cause,omitempty"`
	Keys    []string  `json:"keys,omitempty"`
	Items   []recipe  `json:"items,omitempty"`
	Numbers []float64 `json:"numbers,omitempty"`
}

// chef generates random recipes.
type chef struct {
	*rand.Rand
	left  int
	plain bool  // only types that other CBOR libraries support
	kept  []int // ids that may be referenced
	ids   int
}

func newChef(seed uint64) *chef {
	r := rand.New(rand.NewPCG(seed, 1))
	return &chef{Rand: r, left: r.IntN(40), plain: seed%4 == 0}
}

func (c *chef) oneOf(s ...string) string { return s[c.IntN(len(s))] }

func (c *chef) value() recipe {
	c.left--
	n := c.IntN(20)
	switch {
	case n < 3 && len(c.kept) > 0 && !c.plain:
		return recipe{Kind: "ref", Ref: c.kept[c.IntN(len(c.kept))]}
	case n < 12 && c.left > 0:
		return c.container()
	case n < 16 && !c.plain:
		return c.object()
	}
	return c.scalar()
}

func (c *chef) keep(kind string) recipe {
	c.ids++
	if !c.plain {
		c.kept = append(c.kept, c.ids)
	}
	return recipe{Kind: kind, ID: c.ids}
}

func (c *chef) values() (items []recipe) {
	for range c.IntN(5) {
		items = append(items, c.value())
	}
	return items
}

func (c *chef) container() recipe {
	kinds := []string{"array", "object", "object", "map", "set"}
	if !c.plain {
		kinds = append(kinds, "error", "request", "response")
	}
	r := c.keep(c.oneOf(kinds...))
	switch r.Kind {
	case "array":
		r.Items = c.values()
	case "object":
		r.Keys = c.keys()
	case "map":
		for i := range c.IntN(4) {
			r.Items = append(r.Items, recipe{Kind: "number", Text: strconv.Itoa(i)}, c.value())
		}
		if !c.plain && c.IntN(2) == 0 {
			r.Items = append(r.Items, recipe{Kind: "array", Items: c.values()}, c.value())
		}
	case "set":
		for i := range c.IntN(4) {
			r.Items = append(r.Items, recipe{Kind: "string", Text: "s" + strconv.Itoa(i)})
		}
		if !c.plain {
			r.Items = append(r.Items, c.value())
			if last := r.Items[len(r.Items)-1]; last.Kind == "string" {
				r.Items = r.Items[:len(r.Items)-1]
			}
		}
	case "error":
		c.failure(&r)
	case "request":
		r.Text, r.Items = "https://example.com/x?y=1", []recipe{c.headers(), c.body()}
	case "response":
		r.Text, r.Items = c.oneOf("", "OK", "Created"), []recipe{c.headers(), c.body()}
	}
	if r.Keys != nil && r.Items == nil {
		for range r.Keys {
			r.Items = append(r.Items, c.value())
		}
	}
	return r
}

func (c *chef) failure(r *recipe) {
	r.Text, r.Name = c.text(), c.oneOf("Error", "TypeError", "MyError")
	if c.IntN(2) == 0 {
		r.Stack = c.text()
	}
	if c.IntN(2) == 0 {
		cause := c.value()
		if cause.Kind != "undefined" {
			r.Cause = &cause
		}
	}
	r.Keys = c.keys()
}

func (c *chef) headers() recipe {
	return recipe{Kind: "headers", Keys: c.oneOfKeys("accept", "content-type", "x-a", "x-b")}
}

func (c *chef) body() recipe {
	switch c.IntN(3) {
	case 0:
		return recipe{Kind: "null"}
	case 1:
		return recipe{Kind: "string", Text: c.text()}
	}
	return recipe{Kind: "object", Keys: []string{"$a", "b"}, Items: []recipe{
		{Kind: "number", Text: "1.5"}, {Kind: "array", Items: []recipe{{Kind: "null"}, {Kind: "boolean", Text: "true"}}},
	}}
}

// oneOfKeys returns some of the sorted keys.
func (c *chef) oneOfKeys(all ...string) []string {
	keys := []string{}
	for _, key := range all {
		if c.IntN(2) == 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

func (c *chef) keys() []string {
	all := []string{"a", "b", "10", "9", "0", "01", "-1", "4294967294", "4294967295", "", "$type", "$ref", "$$x", "$", "é\n\"", "\u2028", "\x00", "next"}
	if c.plain {
		all = all[:8]
	}
	keys := c.oneOfKeys(all...)
	c.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys[:min(len(keys), 4)]
}

func (c *chef) text() string {
	var b strings.Builder
	for range c.IntN(8) {
		b.WriteString(c.oneOf("a", "Z", "\"", "\\", "/", "\n", "\t", "\b", "\f", "\r", "\x00", "\x1f", "\x7f", "é", "\u2028", "\u2029", "😀", "<", "&", "\ufeff"))
	}
	return b.String()
}

func (c *chef) scalar() recipe {
	kind := c.oneOf("null", "undefined", "boolean", "number", "number", "string", "bigint")
	switch kind {
	case "boolean":
		return recipe{Kind: kind, Text: c.oneOf("true", "false")}
	case "number":
		return recipe{Kind: kind, Text: c.number()}
	case "string":
		return recipe{Kind: kind, Text: c.text()}
	case "bigint":
		return recipe{Kind: kind, Text: c.bigint()}
	}
	return recipe{Kind: kind}
}

func (c *chef) bigint() string {
	i := new(big.Int).Lsh(big.NewInt(c.Int64()-c.Int64()), uint(c.IntN(3)*c.IntN(60)))
	if c.plain || c.IntN(2) == 0 {
		i.SetInt64(math.MaxInt64 - c.Int64N(1<<40))
	}
	return i.String()
}

func (c *chef) number() string {
	switch c.IntN(5) {
	case 0:
		return strconv.Itoa(c.IntN(2000) - 1000)
	case 1:
		return c.oneOf("NaN", "Infinity", "-Infinity", "1e21", "1e-7", "123456789012345680000", "0.000001", "5e-324",
			"1.7976931348623157e308", "9007199254740992", "-9007199254740992", "-1e-10", "1e100")
	case 2:
		if c.plain { // cbor-x decodes 64-bit integers as big integers, whatever their value
			return strconv.FormatInt(c.Int64N(1<<32), 10)
		}
		return c.oneOf("9007199254740991", "4294967296", strconv.FormatInt(c.Int64N(1<<53), 10))
	}
	for {
		f := math.Float64frombits(c.Uint64())
		if specialNumber(f) == "" && f != 0 {
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
	}
}

// object returns a value that has an identity and contains no others.
func (c *chef) object() recipe {
	r := c.keep(c.oneOf("date", "date", "regexp", "url", "headers", "bytes", "bytes", "buffer", "view", "Boolean", "Number", "String", "BigInt"))
	switch r.Kind {
	case "date":
		r.Text = strconv.FormatInt(c.Int64N(2*maxJSDate)-maxJSDate, 10)
		if c.IntN(2) == 0 {
			r.Text = strconv.FormatInt(c.Int64N(1<<42), 10)
		}
	case "regexp":
		r.Text = c.oneOf(`a\/b\d+`, "(?:)", "é|\"")
	case "url":
		r.Text = c.oneOf("http://example.com/a%20b", "https://example.com/?q=1#f", "mailto:a@example.com")
	case "headers":
		r.Keys = c.headers().Keys
	case "bytes":
		r.Text = c.oneOf("Uint8Array", "Int8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array", "Float32Array", "Float64Array")
		r.Numbers = c.numbers(r.Text)
	case "buffer":
		r.Numbers = c.numbers("Uint8Array")
	case "view":
		r.Numbers = append(c.numbers("Uint8Array"), 1, 2)
	case "Boolean":
		r.Text = c.oneOf("true", "false")
	case "Number":
		r.Text = c.number()
	case "String":
		r.Text = c.text()
	case "BigInt":
		r.Text = c.bigint()
	}
	return r
}

func (c *chef) numbers(class string) (numbers []float64) {
	for range c.IntN(5) {
		bits := c.Uint64()
		f := float64(int8(bits))
		switch class {
		case "Uint8Array", "Uint8ClampedArray":
			f = float64(uint8(bits))
		case "Int16Array":
			f = float64(int16(bits))
		case "Uint16Array":
			f = float64(uint16(bits))
		case "Int32Array":
			f = float64(int32(bits))
		case "Uint32Array":
			f = float64(uint32(bits))
		case "Float32Array":
			f = float64(float32(c.NormFloat64()))
		case "Float64Array":
			f = c.NormFloat64() * 1e10
		}
		numbers = append(numbers, f)
	}
	return numbers
}

// cook writes a recipe as CBOR, head by head.
type cook struct {
	cbordoc.Writer
	recipes  map[int]recipe
	referred map[int]bool
	marked   map[int]int
	ordered  bool // members in JavaScript's order
}

func cooked(r recipe, ordered bool) []byte {
	k := cook{recipes: map[int]recipe{}, referred: map[int]bool{}, marked: map[int]int{}, ordered: ordered}
	k.look(r)
	k.value(r)
	return k.Dst
}

func (k *cook) look(r recipe) {
	if r.Kind == "ref" {
		k.referred[r.Ref] = true
	}
	k.recipes[r.ID] = r
	for _, item := range r.Items {
		k.look(item)
	}
	if r.Cause != nil {
		k.look(*r.Cause)
	}
}

func (k *cook) must(err error) {
	if err != nil {
		panic(err)
	}
}

func (k *cook) open(major byte, n int) { k.must(k.Begin(major, uint64(n))) }

func (k *cook) name(s string) { k.Dst = cbordoc.AppendText(k.Dst, s) }

func (k *cook) value(r recipe) {
	if r.Kind == "ref" { // in another order it may come before its target
		r = k.recipes[r.Ref]
	}
	if n, again := k.marked[r.ID]; again {
		k.must(k.Reference(n))
		return
	}
	if r.ID != 0 && k.referred[r.ID] {
		k.marked[r.ID] = k.Marks
		k.must(k.Mark())
		defer k.End()
	}
	switch r.Kind {
	case "null":
		k.Dst = append(k.Dst, cbordoc.ByteNull)
	case "undefined":
		k.Dst = append(k.Dst, cbordoc.ByteUndefined)
	case "boolean":
		k.Dst = cbordoc.AppendBool(k.Dst, r.Text == "true")
	case "number":
		f, _ := strconv.ParseFloat(r.Text, 64)
		k.Dst = appendJSNumber(k.Dst, f)
	case "string":
		k.name(r.Text)
	case "bigint":
		k.bigint(r.Text)
	case "array":
		k.array(r.Items)
	case "object":
		k.members(r, 0)
	case "map", "set":
		k.collection(r)
	case "date":
		ms, _ := strconv.ParseInt(r.Text, 10, 64)
		k.must(k.Date(time.UnixMilli(ms)))
	case "regexp":
		k.open(cbordoc.MajorTag, cbordoc.TagRegExp)
		k.array([]recipe{{Kind: "string", Text: r.Text}, {Kind: "string", Text: "gi"}})
		k.End()
	case "url":
		k.open(cbordoc.MajorTag, cbordoc.TagURL)
		k.name(r.Text)
		k.End()
	case "bytes":
		k.typed(r)
	default:
		k.named(r)
	}
}

func (k *cook) bigint(text string) {
	i, _ := new(big.Int).SetString(text, 10)
	if i.IsInt64() && (i.Int64() > maxSafeInteger || i.Int64() < -maxSafeInteger) {
		k.Dst = cbordoc.AppendInt(k.Dst, i.Int64())
		return
	}
	if i.IsUint64() && i.Uint64() > maxSafeInteger {
		k.Dst = cbordoc.AppendHead(k.Dst, cbordoc.MajorUint, i.Uint64())
		return
	}
	if n := new(big.Int).Not(i); i.Sign() < 0 && n.IsUint64() && n.Uint64() >= maxSafeInteger {
		k.Dst = cbordoc.AppendHead(k.Dst, cbordoc.MajorNegint, n.Uint64())
		return
	}
	k.must(k.BigInt(i))
}

func (k *cook) array(items []recipe) {
	k.open(cbordoc.MajorArray, len(items))
	for _, item := range items {
		k.value(item)
	}
	k.End()
}

// members writes a map of a recipe's keys and items, with room for more.
func (k *cook) members(r recipe, more int) {
	k.open(cbordoc.MajorMap, len(r.Keys)+more)
	k.entries(r)
	k.End()
}

func (k *cook) entries(r recipe) {
	order := make([]int, len(r.Keys))
	for i := range order {
		order[i] = i
	}
	if k.ordered {
		slices.SortStableFunc(order, func(a, b int) int {
			return compareKeys(r.Keys[a], r.Keys[b])
		})
	}
	for _, i := range order {
		k.name(r.Keys[i])
		k.value(r.Items[i])
	}
}

func compareKeys(a, b string) int {
	number := func(s string) int64 {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || n == math.MaxUint32 || strconv.FormatUint(n, 10) != s {
			return math.MaxInt64
		}
		return int64(n)
	}
	x, y := number(a), number(b)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func (k *cook) collection(r recipe) {
	if r.Kind == "set" {
		k.open(cbordoc.MajorTag, cbordoc.TagSet)
		k.array(r.Items)
		k.End()
		return
	}
	k.open(cbordoc.MajorTag, cbordoc.TagMap)
	k.open(cbordoc.MajorMap, len(r.Items)/2)
	for _, item := range r.Items {
		k.value(item)
	}
	k.End()
	k.End()
}

func (k *cook) typed(r recipe) {
	tags := map[string]uint64{
		"Int8Array": 72, "Uint8ClampedArray": 68, "Int16Array": 77, "Uint16Array": 69,
		"Int32Array": 78, "Uint32Array": 70, "Float32Array": 85, "Float64Array": 86,
	}
	var b []byte
	for _, f := range r.Numbers {
		switch r.Text {
		case "Uint8Array", "Uint8ClampedArray":
			b = append(b, uint8(f))
		case "Int8Array":
			b = append(b, byte(int8(f)))
		case "Int16Array":
			b = binary.LittleEndian.AppendUint16(b, uint16(int16(f)))
		case "Uint16Array":
			b = binary.LittleEndian.AppendUint16(b, uint16(f))
		case "Int32Array":
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(f)))
		case "Uint32Array":
			b = binary.LittleEndian.AppendUint32(b, uint32(f))
		case "Float32Array":
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(f)))
		case "Float64Array":
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
		}
	}
	if tag := tags[r.Text]; tag != 0 {
		k.open(cbordoc.MajorTag, int(tag))
		defer k.End()
	}
	k.Dst = cbordoc.AppendBytes(k.Dst, b)
}

// named writes tag 27.
func (k *cook) named(r recipe) {
	names := map[string]string{"error": "Error", "headers": "Headers", "request": "Request", "response": "Response", "buffer": "ArrayBuffer", "view": "DataView"}
	name := names[r.Kind]
	if name == "" {
		name = r.Kind // boxed
	}
	k.must(k.Object(name))
	defer k.EndObject()
	switch r.Kind {
	case "error":
		k.failure(r)
		return
	case "headers":
		k.open(cbordoc.MajorMap, 1)
		k.name("entries")
		k.open(cbordoc.MajorArray, len(r.Keys))
		for _, key := range r.Keys {
			k.array([]recipe{{Kind: "string", Text: key}, {Kind: "string", Text: "v " + key}})
		}
		k.End()
	case "request":
		k.open(cbordoc.MajorMap, 4)
		k.texts("url", r.Text, "method", "POST")
		k.name("headers")
		k.value(r.Items[0])
		k.name("body")
		k.value(r.Items[1])
	case "response":
		k.open(cbordoc.MajorMap, 4)
		k.name("status")
		k.Dst = cbordoc.AppendInt(k.Dst, 201)
		k.texts("statusText", r.Text)
		k.name("headers")
		k.value(r.Items[0])
		k.name("body")
		k.value(r.Items[1])
	case "buffer":
		k.open(cbordoc.MajorMap, 1)
		k.name("bytes")
		k.typed(recipe{Text: "Uint8Array", Numbers: r.Numbers})
	case "view":
		k.open(cbordoc.MajorMap, 3)
		k.name("buffer")
		k.typed(recipe{Text: "Uint8Array", Numbers: r.Numbers})
		k.name("byteOffset")
		k.Dst = cbordoc.AppendInt(k.Dst, 1)
		k.name("byteLength")
		k.Dst = cbordoc.AppendInt(k.Dst, int64(len(r.Numbers)-1))
	default:
		k.open(cbordoc.MajorMap, 1)
		k.name("value")
		if r.Kind == "BigInt" {
			i, _ := new(big.Int).SetString(r.Text, 10)
			k.must(k.BigInt(i))
		} else {
			k.value(recipe{Kind: strings.ToLower(r.Kind), Text: r.Text})
		}
	}
	k.End()
}

func (k *cook) texts(pairs ...string) {
	for _, s := range pairs {
		k.name(s)
	}
}

func (k *cook) failure(r recipe) {
	n := 2 + len(r.Keys)
	if r.Stack != "" {
		n++
	}
	if r.Cause != nil {
		n++
	}
	k.open(cbordoc.MajorMap, n)
	k.texts("name", r.Name, "message", r.Text)
	if r.Stack != "" {
		k.texts("stack", r.Stack)
	}
	if r.Cause != nil {
		k.name("cause")
		k.value(*r.Cause)
	}
	k.entries(r)
	k.End()
}
