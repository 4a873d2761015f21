package object

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/lumenize/lmz"
)

// Limits of names. Common file systems limit file names to 255 bytes.
const (
	maxInstance = 1024 // bytes of an instance name
	maxBinding  = 80   // bytes of a binding, whose length may triple when escaped
	maxReadable = 40   // bytes of an instance name copied to the file name
)

// checkInstance refuses invalid instance names.
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

// quoted quotes a name from a caller, unless it is too long to be valid.
func quoted(name string) string {
	if len(name) > maxInstance {
		return fmt.Sprintf("a name of %d bytes", len(name))
	}
	return strconv.Quote(name)
}
