package object

// onFailpoint is set by tests, which kill the process there, before the first runtime is
// opened.
var onFailpoint func(name string)

// failpoint is a place where a test may kill the process. It does nothing in programs.
func failpoint(name string) {
	if onFailpoint != nil {
		onFailpoint(name)
	}
}
