package lmz

// Value is a value that came from another node and is not decoded yet. Values
// may be kept, passed on as arguments, and decoded any number of times, from any
// goroutine.
type Value interface {
	// Decode stores the value in what into points to. A value that does not fit
	// is an error that says what was expected and what came.
	Decode(into any) error
}

// Undefined is JavaScript's undefined, which is not null: nil in Go is null. A
// method without a result answers Undefined.
type Undefined struct{}
