//go:build js && lmzstats

package main

import (
	"runtime"
	"syscall/js"
	_ "unsafe" // for go:linkname
)

// Only the module that the leak test builds includes this file.

//go:linkname jsFuncs syscall/js.funcs
var jsFuncs map[uint32]func(js.Value, []js.Value) any

func init() {
	border := js.Global().Get("border")
	border.Set("heap", js.FuncOf(func(js.Value, []js.Value) any {
		for range 3 { // finalizers release references to JavaScript
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}))
	border.Set("funcs", js.FuncOf(func(js.Value, []js.Value) any { return len(jsFuncs) }))
	border.Set("crash", js.FuncOf(func(js.Value, []js.Value) any {
		go panic("crashed by the test")
		return nil
	}))
	border.Set("overflow", js.FuncOf(func(js.Value, []js.Value) any { return deep(0) })) // the platform throws an exception
}

func deep(n int) int {
	if n < 0 {
		return 0
	}
	return deep(n+1) + 1
}
