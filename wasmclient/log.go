//go:build js

package main

import "github.com/lumenize/lmz/debug"

// log returns a function that logs to the console the entries that the key DEBUG in the
// page's storage selects.
func (b *border) log() func(message string, args ...any) {
	filter := debug.ParseFilter(b.js.Call("filter").String())
	return debug.Func("lmz.client", filter, func(line string) { b.js.Call("log", line) })
}
