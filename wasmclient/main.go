//go:build js

package main

import (
	"syscall/js"
)

// main passes enter to the JavaScript that started it, and never returns. js/border.js gives
// the program its own global object, which holds the border.
func main() {
	b := &border{js: js.Global().Get("border"), peers: make(map[int]*face)}
	b.notify = b.js.Get("notify")
	b.js.Set("enter", js.FuncOf(b.enter))
	offerText(b.js)
	select {}
}
