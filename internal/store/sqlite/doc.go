// Package sqlite keeps each object in an SQLite file. Thousands of objects must not
// take thousands of file descriptors, a crash at any moment must leave each file as of its
// last commit, and a data directory must say by itself whose files are in it; beside the files
// of objects it has the index of when to wake them (index.db), what subjects hold (usage.db),
// and a lock, because one process uses it at a time.
//
// The package comment of store says what a [Disk] and a [Store] promise.
package sqlite
