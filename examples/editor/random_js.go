package editor

import "syscall/js"

// newEditor returns a name for one opening. Package crypto/rand would cost a tenth of
// the browser's download.
func newEditor() string { return js.Global().Get("crypto").Call("randomUUID").String() }
