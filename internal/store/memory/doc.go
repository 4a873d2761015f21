// Package memory keeps objects in memory, for tests of what a crash loses. A real disk takes
// time to sync, and a process can die at any moment of it; on a [Disk] that time is virtual,
// and the crash is a method call.
package memory
