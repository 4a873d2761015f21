//go:build js && !text

package main

import "syscall/js"

// offerText does nothing: only modules built with the tag text have collaborative text.
func offerText(js.Value) {}
