// Package failpoint lets a test kill the process at a chosen place. Whether a crash there
// loses or repeats anything can only be shown by a crash.
package failpoint

// On is called with the name of each place that is reached. Tests set it before they open the
// first data directory; it is nil in programs.
var On func(name string)

// Here is such a place. It does nothing in programs.
func Here(name string) {
	if On != nil {
		On(name)
	}
}
