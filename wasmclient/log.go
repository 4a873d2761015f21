//go:build js

package main

import "github.com/lumenize/lmz/debug"

// log returns what writes to the console as the key DEBUG of the page's storage says.
func (b *border) log() func(message string, args ...any) {
	filter := debug.ParseFilter(b.js.Call("filter").String())
	return debug.Func("lmz.client", filter, func(line string) { b.js.Call("log", line) })
}
