package object

// stackForSQLite is roughly the stack space that SQLite needs, in bytes.
const stackForSQLite = 24 << 10

// growStack grows the goroutine's stack at once, while it is nearly empty. Otherwise it
// grows several times in the middle of SQLite, and each time every frame is moved: that was
// a third of the time of a small write.
//
//go:noinline
func growStack() byte {
	var room [stackForSQLite]byte
	return touch(&room)
}

// touch keeps the compiler from optimizing the array away.
//
//go:noinline
func touch(room *[stackForSQLite]byte) byte { return room[0] }
