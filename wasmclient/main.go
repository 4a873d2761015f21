//go:build js

package main

import (
	"syscall/js"
)

// main offers its one function to the JavaScript that started it, and stays.
// js/border.js puts the border where main finds it, and takes it away again.
func main() {
	b := &border{js: js.Global().Get("lmzBorder"), peers: make(map[int]*face)}
	b.notify = b.js.Get("notify")
	b.js.Set("enter", js.FuncOf(b.enter))
	select {}
}
