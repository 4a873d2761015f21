package admin

import (
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Methods of [Binding] for what objects have stored. They are for administrators:
// clients whose token has the claim isAdmin.
const (
	// ListObjects returns objects of a binding ("" for all) that have stored something:
	// those after ObjectPage.Next of the page before, or from the beginning with "", and
	// at most so many; 0, and more than 1,000, mean 1,000. Long names make a page shorter.
	ListObjects lmz.Method3[string, string, int, ObjectPage] = "objects"

	// QueryObject runs SQL that only reads over what an object has stored, see
	// [object.Runtime.Inspect].
	QueryObject lmz.Method2[lmz.Address, string, object.QueryResult] = "query"

	// BackUpObject makes a copy of what an object has stored, to be read with [ReadCopy]
	// and let go of with [DropCopy].
	BackUpObject lmz.Method1[lmz.Address, ObjectCopy] = "backUp"

	// ReadCopy returns up to 256 KiB of a copy, from an offset on; nothing at its end.
	ReadCopy lmz.Method2[string, int64, []byte] = "readCopy"

	// NewCopy makes an empty copy, and AppendCopy adds to its end.
	NewCopy    lmz.Method0[ObjectCopy]               = "newCopy"
	AppendCopy lmz.Method2[string, []byte, struct{}] = "appendCopy"

	// RestoreObject makes an object that has stored nothing yet of a copy, see
	// [object.Runtime.Restore].
	RestoreObject lmz.Method2[string, lmz.Address, struct{}] = "restore"

	// RemoveObject removes an object and everything that it has stored, permanently; see
	// [object.Runtime.Remove]. The log says who did it.
	RemoveObject lmz.Method1[lmz.Address, struct{}] = "remove"

	// DropCopy lets go of a copy. A copy that nobody uses for ten minutes goes by itself.
	DropCopy lmz.Method1[string, struct{}] = "dropCopy"
)

// NoObject is the class name of the errors of these methods and those for alarms about an
// object, or a binding, that does not exist.
const NoObject = "NoObjectError"

// NotAdmin is the class name of the errors by which the methods of [Binding] for
// administrators refuse others.
const NotAdmin = "NotAdminError"

// ObjectPage is some of the objects that have stored something.
type ObjectPage struct {
	Objects []StoredObject
	Next    string // to go on with; "" if there are no more
}

// StoredObject is an object that has stored something.
type StoredObject struct {
	Binding  string
	Instance string
	Bytes    int64
	Changed  time.Time
	Open     bool
	Error    string // its file cannot be read: why; Instance is the file's name then
}

// ObjectCopy is a copy of what an object has stored, at the gateway.
type ObjectCopy struct {
	ID    string
	Bytes int64
}
