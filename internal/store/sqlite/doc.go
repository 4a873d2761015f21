// Package sqlite keeps each object in an SQLite file. Thousands of objects must not take
// thousands of file descriptors, a crash at any moment must leave each file as of its last
// commit, and a data directory must be self-describing: each file identifies its object.
// Besides the objects' files it has the wake index (index.db), the totals of subjects
// (usage.db), and a lock, because only one process may use it at a time.
//
// See package store for the contracts of [Disk] and [Store].
package sqlite
