// Package wake knows when objects have to be woken: an alarm must ring although nobody calls
// its object, and what an object had sent before a crash must be taken up again, but a start
// cannot look into a million objects. So an index on disk says for each object when it has
// to be opened at the latest. Too early is harmless, and too late must be impossible: the
// index is written before the object's commit whenever that commit makes the wake earlier.
package wake
