package object

// failpoint is where a test kills the process. It is set before the first runtime is
// opened, and does nothing in programs.
var failpoint = func(name string) {}
