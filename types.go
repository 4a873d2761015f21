package lmz

// The types of this file are values that JavaScript has and Go lacks. A handler with a parameter
// of type any receives them from JavaScript nodes, and can send them back unchanged. Typed
// handlers rarely need them: a Set decodes into a slice, a Map into a Go map, an ArrayBuffer into
// a []byte.

// Map is a JavaScript Map: entries in order, with keys of any type. The zero value is an empty
// Map. A text or number may be a key only once. Two Maps that share their entries, like two
// slices, arrive as one value.
type Map []MapEntry

// MapEntry is one entry of a [Map].
type MapEntry struct {
	Key, Value any
}

// Set is a JavaScript Set: distinct values in order. The zero value is an empty Set.
type Set []any

// RegExp is a JavaScript regular expression, whose syntax differs from that of package regexp.
// Its lastIndex does not travel.
type RegExp struct {
	Source string // without the slashes
	Flags  string // as in "gi"
}

// ArrayBuffer is a JavaScript ArrayBuffer. A []byte is a Uint8Array.
type ArrayBuffer struct {
	Bytes []byte
}

// DataView is a JavaScript DataView: a window onto a buffer. The whole buffer travels.
type DataView struct {
	Buffer     []byte
	ByteOffset int // of the window in Buffer
	ByteLength int // of the window
}

// Window returns the bytes of the view, which share memory with the buffer. It reports false if
// the view does not fit its buffer.
func (v DataView) Window() ([]byte, bool) {
	if v.ByteOffset < 0 || v.ByteLength < 0 || v.ByteLength > len(v.Buffer)-v.ByteOffset {
		return nil, false
	}
	return v.Buffer[v.ByteOffset : v.ByteOffset+v.ByteLength], true
}

// Uint8Clamped is a JavaScript Uint8ClampedArray, the pixels of a canvas.
type Uint8Clamped []byte

// Boxed is a primitive as a JavaScript object, such as new Number(1). Value is a bool, a number,
// a string or a *big.Int; nothing else can be sent.
type Boxed struct {
	Value any
}

// Headers are the header lines of a fetch: names and values, in order. A name may occur more
// than once.
type Headers [][2]string

// HTTPRequest is a fetch request as a value: what the original calls RequestSync.
type HTTPRequest struct {
	URL     string
	Method  string
	Headers Headers
	Body    any // nil, a string, an [ArrayBuffer] or a []byte, or a value that was JSON
}

// HTTPResponse is a fetch response as a value: what the original calls
// ResponseSync.
type HTTPResponse struct {
	Status     int
	StatusText string
	Headers    Headers
	Body       any // as in [HTTPRequest]
}
