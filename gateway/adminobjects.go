package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/internal/authority"
	"github.com/lumenize/lmz/object"
)

// Methods of [AdminBinding] for what objects have stored. They are for administrators:
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

// NotAdmin is the class name of the errors by which the methods of [AdminBinding] for
// administrators refuse others.
const NotAdmin = "NotAdminError"

// named gives an error its class name if it says that an object does not exist. Its code does
// not travel: as what a method returns it is an error of the callee.
func named(err error) error {
	var absent *lmz.Error
	if !errors.As(err, &absent) || absent.Code != lmz.CodeAbsent {
		return err
	}
	e := *absent
	e.Name = NoObject
	return &e
}

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

const (
	copyChunk  = 256 << 10
	copyIdle   = 10 * time.Minute
	maxCopies  = 8
	maxCopied  = 4 << 30 // bytes
	copyFolder = "check-copy-*"
)

// copies are what administrators are reading or writing.
type copies struct {
	mu   sync.Mutex
	open map[string]*objectCopy
}

type objectCopy struct {
	dir  string
	idle *time.Timer
}

func (c *objectCopy) file() string { return filepath.Join(c.dir, "copy.db") }

// exposeObjects adds the methods for what objects have stored.
func (g *Gateway) exposeObjects(methods *lmz.Mux) {
	ListObjects.Expose(methods, g.administrator, g.listObjects,
		lmz.Params("binding", "after", "limit"), lmz.Doc("Lists objects that have stored something, from where the page before ended."), lmz.ReadOnly)
	QueryObject.Expose(methods, g.administrator, g.queryObject,
		lmz.Params("object", "sql"), lmz.Doc("Reads what an object has stored, by SQL."), lmz.ReadOnly)
	BackUpObject.Expose(methods, g.administrator, g.backUpObject,
		lmz.Params("object"), lmz.Doc("Makes a copy of what an object has stored, which readCopy reads."))
	ReadCopy.Expose(methods, g.administrator, g.readCopy,
		lmz.Params("id", "offset"), lmz.Doc("Reads up to 256 KiB of a copy."), lmz.ReadOnly)
	NewCopy.Expose(methods, g.administrator, func(context.Context) (ObjectCopy, error) { return g.newCopy() },
		lmz.Doc("Makes an empty copy, to be filled and restored."))
	AppendCopy.Expose(methods, g.administrator, g.appendCopy,
		lmz.Params("id", "data"), lmz.Doc("Adds to the end of a copy."))
	RestoreObject.Expose(methods, g.administrator, g.restoreObject,
		lmz.Params("id", "object"), lmz.Doc("Makes an object that has stored nothing yet of a copy."))
	RemoveObject.Expose(methods, g.administrator, g.removeObject,
		lmz.Params("object"), lmz.Doc("Removes an object with everything that it has stored."), lmz.Destructive)
	DropCopy.Expose(methods, g.administrator, func(_ context.Context, id string) (struct{}, error) { return struct{}{}, g.copies.drop(id) },
		lmz.Params("id"), lmz.Doc("Lets go of a copy."), lmz.Destructive)
}

// administrator is the guard of these methods. It does not rely on what the gateway knew a
// moment ago, but asks again.
func (g *Gateway) administrator(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	now, err := g.askAgain(ctx, c.Caller().Address)
	switch {
	case err != nil && !authority.Definite(err):
		g.log.Call.Warn("could not check whether a caller is an administrator", "subject", c.Auth.Subject, "error", err)
		return lmz.Errorf("cannot check right now whether you are an administrator: try again")
	case err != nil || now.Subject != c.Auth.Subject || now.Claims["isAdmin"] != true:
		e := lmz.Errorf("only an administrator may do this")
		e.Name = NotAdmin
		return e
	}
	return nil
}

// askAgain asks who a client is now.
func (g *Gateway) askAgain(ctx context.Context, client lmz.Address) (*lmz.Auth, error) {
	c := g.clientAt(client)
	if c == nil {
		return nil, errGone
	}
	c.mu.Lock()
	from := c.from
	c.mu.Unlock()
	if from == nil || from.isOver() {
		return nil, errGone
	}
	return from.ask(ctx)
}

var errGone = &Refusal{Message: "the client has gone"}

func (g *Gateway) listObjects(ctx context.Context, binding, after string, limit int) (ObjectPage, error) {
	list, room := ObjectPage{Objects: []StoredObject{}}, newPage(limit)
	for s, err := range g.objects.List(binding, after) {
		if ctx.Err() != nil {
			break
		}
		o := StoredObject{Binding: s.Address.Binding, Instance: s.Address.Instance, Bytes: s.Size, Changed: s.Changed, Open: s.Open}
		if err != nil {
			o.Error = cut(err.Error())
		}
		if !room.takes(o.Binding, o.Instance, o.Error) {
			list.Next = after
			break
		}
		after = cmp.Or(s.File, after) // a folder that cannot be read has none
		list.Objects = append(list.Objects, o)
	}
	return list, ctx.Err()
}

func (g *Gateway) queryObject(ctx context.Context, of lmz.Address, query string) (object.QueryResult, error) {
	table, err := g.objects.Inspect(ctx, of, query)
	return table, named(err)
}

func (g *Gateway) backUpObject(ctx context.Context, of lmz.Address) (ObjectCopy, error) {
	made, err := g.newCopy()
	if err != nil {
		return made, err
	}
	c, err := g.copies.use(made.ID)
	if err == nil {
		err = g.objects.Backup(ctx, of, c.file())
	}
	if err != nil {
		_ = g.copies.drop(made.ID) // the next start clears away what stays
		return made, named(err)
	}
	info, err := os.Stat(c.file())
	if err != nil {
		return made, err
	}
	made.Bytes = info.Size()
	return made, nil
}

func (g *Gateway) readCopy(_ context.Context, id string, offset int64) ([]byte, error) {
	c, err := g.copies.use(id)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(c.file())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	chunk := make([]byte, copyChunk)
	n, err := f.ReadAt(chunk, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return chunk[:n], err
}

func (g *Gateway) newCopy() (ObjectCopy, error) {
	if g.options.Dir == "" {
		return ObjectCopy{}, lmz.Errorf("these objects are in memory: there are no files")
	}
	return g.copies.make(g.options.Dir)
}

func (g *Gateway) appendCopy(_ context.Context, id string, chunk []byte) (struct{}, error) {
	c, err := g.copies.use(id)
	if err != nil {
		return struct{}{}, err
	}
	f, err := os.OpenFile(c.file(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return struct{}{}, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return struct{}{}, err
	} else if info.Size()+int64(len(chunk)) > maxCopied {
		return struct{}{}, lmz.Errorf("a copy may have at most %d bytes", int64(maxCopied))
	}
	_, err = f.Write(chunk)
	return struct{}{}, errors.Join(err, f.Close())
}

func (g *Gateway) restoreObject(ctx context.Context, id string, to lmz.Address) (struct{}, error) {
	c, err := g.copies.use(id)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, named(g.objects.Restore(ctx, c.file(), to))
}

func (g *Gateway) removeObject(ctx context.Context, a lmz.Address) (struct{}, error) {
	err := g.objects.Remove(ctx, a)
	if err == nil {
		c, _ := lmz.CallContextFrom(ctx)
		g.log.Call.Warn("an administrator removed an object", "binding", a.Binding, "instance", a.Instance,
			"subject", c.Auth.Subject, "email", c.Auth.Claims["email"], "by", c.Caller().String())
	}
	return struct{}{}, named(err)
}

// make makes a place for a copy below the data directory, where a start clears away
// what a crash has left.
func (cs *copies) make(below string) (ObjectCopy, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.open) >= maxCopies {
		return ObjectCopy{}, lmz.Errorf("there are %d copies already: let go of one", maxCopies)
	}
	dir, err := os.MkdirTemp(below, copyFolder)
	if err != nil {
		return ObjectCopy{}, err
	}
	id := rand.Text()
	if cs.open == nil {
		cs.open = make(map[string]*objectCopy)
	}
	cs.open[id] = &objectCopy{dir: dir, idle: time.AfterFunc(copyIdle, func() { cs.drop(id) })}
	return ObjectCopy{ID: id}, nil
}

// use returns a copy, which is needed for another while.
func (cs *copies) use(id string) (*objectCopy, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.open[id]
	if c == nil {
		return nil, lmz.Errorf("there is no such copy: nobody used it for %v, or the gateway was restarted", copyIdle)
	}
	c.idle.Reset(copyIdle)
	return c, nil
}

// drop removes a copy.
func (cs *copies) drop(id string) error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.open[id]
	if c == nil {
		return nil
	}
	c.idle.Stop()
	delete(cs.open, id)
	return os.RemoveAll(c.dir)
}

// dropAll removes all copies.
func (cs *copies) dropAll() (err error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, c := range cs.open {
		c.idle.Stop()
		err = errors.Join(err, os.RemoveAll(c.dir))
	}
	cs.open = nil
	return err
}
