//go:build js && !text

package main

import "syscall/js"

// offerText offers nothing: a module with collaborative text is built with the tag text.
func offerText(js.Value) {}
