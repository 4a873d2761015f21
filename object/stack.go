package object

// stackForSQLite is about what SQLite needs of a goroutine's stack, in bytes.
const stackForSQLite = 24 << 10

// growStack gives the goroutine its stack at once, while there is next to nothing on it.
// Otherwise it grows in the middle of SQLite, several times, and each time every frame is
// moved: that was a third of the time of a small write.
//
//go:noinline
func growStack() byte {
	var room [stackForSQLite]byte
	return touch(&room)
}

// touch keeps the compiler from leaving the room out.
//
//go:noinline
func touch(room *[stackForSQLite]byte) byte { return room[0] }
