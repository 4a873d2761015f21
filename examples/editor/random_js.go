package editor

import "syscall/js"

// newEditor returns a random name for one opening. Package crypto/rand would add a tenth to
// the browser's download.
func newEditor() string { return js.Global().Get("crypto").Call("randomUUID").String() }
