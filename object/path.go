package object

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/lumenize/lmz"
)

// Limits of names. A file name has 255 bytes on common file systems.
const (
	maxInstance = 1024 // bytes of an instance name
	maxBinding  = 80   // bytes of a binding, which may triple when escaped
	maxReadable = 40   // bytes of an instance name that are repeated in the file's name
)

// checkInstance refuses names that cannot be an object's.
func checkInstance(name string) *lmz.Error {
	switch {
	case name == "":
		return absent("an object's address needs an instance name")
	case len(name) > maxInstance:
		return absent(fmt.Sprintf("an instance name of %d bytes is too long: at most %d", len(name), maxInstance))
	case !utf8.ValidString(name):
		return absent("an instance name must be valid UTF-8")
	}
	return nil
}

// quoted shows a name that a caller made up, if it is not too long to be one.
func quoted(name string) string {
	if len(name) > maxInstance {
		return fmt.Sprintf("a name of %d bytes", len(name))
	}
	return strconv.Quote(name)
}
