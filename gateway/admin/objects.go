package admin

import (
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/object"
)

// Methods of [Binding] for the storage of objects. They are for administrators: clients whose
// token has the claim isAdmin.
const (
	// ListObjects takes a binding, after and limit, and returns objects of the binding ("" for
	// all) that have stored something. after is ObjectPage.Next of the previous page, or "" for
	// the first; a limit of 0 or above 1,000 means 1,000. Long names shorten a page.
	ListObjects lmz.Method3[string, string, int, ObjectPage] = "objects"

	// QueryObject runs read-only SQL on an object's storage; see [object.Runtime.Inspect].
	QueryObject lmz.Method2[lmz.Address, string, object.QueryResult] = "query"

	// BackUpObject copies an object's storage. Read the copy with [ReadCopy] and release it
	// with [DropCopy].
	BackUpObject lmz.Method1[lmz.Address, ObjectCopy] = "backUp"

	// ReadCopy returns up to 256 KiB of a copy from an offset; nothing at its end.
	ReadCopy lmz.Method2[string, int64, []byte] = "readCopy"

	// NewCopy creates an empty copy, and AppendCopy appends to it.
	NewCopy    lmz.Method0[ObjectCopy]               = "newCopy"
	AppendCopy lmz.Method2[string, []byte, struct{}] = "appendCopy"

	// RestoreObject fills an object that has stored nothing yet from a copy; see
	// [object.Runtime.Restore].
	RestoreObject lmz.Method2[string, lmz.Address, struct{}] = "restore"

	// RemoveObject permanently removes an object and everything that it has stored; see
	// [object.Runtime.Remove]. The log says who did it.
	RemoveObject lmz.Method1[lmz.Address, struct{}] = "remove"

	// DropCopy removes a copy. A copy that is not used for ten minutes is removed
	// automatically.
	DropCopy lmz.Method1[string, struct{}] = "dropCopy"
)

// NoObject is the class name of the errors that these methods and those for alarms return for
// an object or a binding that does not exist.
const NoObject = "NoObjectError"

// NotAdmin is the class name of the errors with which the administrators' methods of
// [Binding] refuse other callers.
const NotAdmin = "NotAdminError"

// ObjectPage is a page of objects that have stored something.
type ObjectPage struct {
	Objects []StoredObject
	Next    string // "after" of the next page; "" if this is the last
}

// StoredObject is an object that has stored something.
type StoredObject struct {
	Binding  string
	Instance string
	Bytes    int64
	Changed  time.Time
	Open     bool
	Error    string // why its file cannot be read, or ""; if set, Instance is the file's name
}

// ObjectCopy is a copy of an object's storage, kept at the gateway.
type ObjectCopy struct {
	ID    string
	Bytes int64
}
