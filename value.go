package lmz

// Value is a value received from another node that is not decoded yet. Values may be stored,
// passed on as arguments, and decoded any number of times, from any goroutine.
type Value interface {
	// Decode stores the value in the variable that into points to. If it does not fit, the
	// error says what was expected and what was received.
	Decode(into any) error
}

// Undefined is JavaScript's undefined, as opposed to null, which is nil in Go. A method without
// a result returns Undefined.
type Undefined struct{}
