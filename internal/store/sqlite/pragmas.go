package sqlite

// exclusive declares that only one process and one connection ever use the file (the data
// directory is locked). Set before WAL, it avoids the shared-memory file and halves the time
// of a read.
const exclusive = "PRAGMA locking_mode = EXCLUSIVE"

// pragmas are set on every connection, in this order.
var pragmas = []string{
	exclusive,
	// A commit appends to one file and syncs it once; the other modes sync two or
	// three times.
	"PRAGMA journal_mode = WAL",
	// A commit returns when it is on disk: acknowledged writes survive a power failure. With
	// NORMAL they would survive only the death of the process.
	"PRAGMA synchronous = FULL",
	// On macOS fsync leaves data in the drive's cache; fullfsync does not. Other systems ignore
	// it.
	"PRAGMA fullfsync = ON",
}
