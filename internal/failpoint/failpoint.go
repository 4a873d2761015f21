// Package failpoint lets a test kill the process at a chosen place. Only a crash can show
// whether a crash there loses or repeats anything.
package failpoint

// On, if not nil, is called with the name of each place reached. Tests set it before opening
// the first data directory; it is nil in programs.
var On func(name string)

// Here marks a place where a test can kill the process. It does nothing in programs.
func Here(name string) {
	if On != nil {
		On(name)
	}
}
