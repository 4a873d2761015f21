// Package wake tracks when objects must be woken: an alarm must ring even if nothing calls
// its object, and sends pending at a crash must be resumed, but a start cannot read a
// million objects. So an index on disk holds for each object the latest time at which it
// must be opened. Too early is harmless; too late must be impossible: if a commit makes the
// wake earlier, the index is written before that commit.
package wake
