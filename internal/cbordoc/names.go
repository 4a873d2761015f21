package cbordoc

import "strings"

// The type names of objects (tag 27), and the members that lmz reads by name.
const (
	ObjectError        = "Error"
	ObjectContinuation = "Continuation"
	ObjectResult       = "Result"
	ObjectHeaders      = "Headers"
	ObjectRequest      = "Request"
	ObjectResponse     = "Response"
	ObjectArrayBuffer  = "ArrayBuffer"

	MemberName    = "name"
	MemberMessage = "message"
	MemberCause   = "cause"
	MemberStack   = "stack"
	MemberBody    = "body"
	MemberCode    = "lmzCode" // the [lmz.Code]: a property of errors in JSON and in the outcome of a reply
)

// EncodeFailure encodes an error that has only a name, Error if that is empty, and a message.
func EncodeFailure(name, message string) []byte {
	if name == "" {
		name = ObjectError
	}
	b := AppendText(AppendHead(AppendHead(nil, MajorTag, TagObject), MajorArray, 2), ObjectError)
	b = AppendText(AppendText(AppendHead(b, MajorMap, 2), MemberName), name)
	return AppendText(AppendText(b, MemberMessage), strings.ToValidUTF8(message, "\ufffd"))
}

// ErrWindow returns the error for a DataView that extends beyond its buffer.
func ErrWindow() error {
	return &Error{What: "the window of the DataView is outside its buffer"}
}
