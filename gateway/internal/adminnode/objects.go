package adminnode

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/admin"
	"github.com/lumenize/lmz/gateway/internal/authority"
	"github.com/lumenize/lmz/object"
)

// exposeObjects exposes the methods for objects' storage.
func (n *Node) exposeObjects(methods *lmz.Mux) {
	admin.ListObjects.Expose(methods, n.administrator, n.listObjects,
		lmz.Params("binding", "after", "limit"), lmz.Doc("Lists objects that have stored something, from where the page before ended."), lmz.ReadOnly)
	admin.QueryObject.Expose(methods, n.administrator, n.queryObject,
		lmz.Params("object", "sql"), lmz.Doc("Reads what an object has stored, by SQL."), lmz.ReadOnly)
	admin.BackUpObject.Expose(methods, n.administrator, n.backUpObject,
		lmz.Params("object"), lmz.Doc("Makes a copy of what an object has stored, which readCopy reads."))
	admin.ReadCopy.Expose(methods, n.administrator, n.readCopy,
		lmz.Params("id", "offset"), lmz.Doc("Reads up to 256 KiB of a copy."), lmz.ReadOnly)
	admin.NewCopy.Expose(methods, n.administrator, func(context.Context) (admin.ObjectCopy, error) { return n.newCopy() },
		lmz.Doc("Makes an empty copy, to be filled and restored."))
	admin.AppendCopy.Expose(methods, n.administrator, n.appendCopy,
		lmz.Params("id", "data"), lmz.Doc("Adds to the end of a copy."))
	admin.RestoreObject.Expose(methods, n.administrator, n.restoreObject,
		lmz.Params("id", "object"), lmz.Doc("Makes an object that has stored nothing yet of a copy."))
	admin.RemoveObject.Expose(methods, n.administrator, n.removeObject,
		lmz.Params("object"), lmz.Doc("Removes an object with everything that it has stored."), lmz.Destructive)
	admin.DropCopy.Expose(methods, n.administrator, func(_ context.Context, id string) (struct{}, error) { return struct{}{}, n.copies.drop(id) },
		lmz.Params("id"), lmz.Doc("Lets go of a copy."), lmz.Destructive)
}

// administrator is the guard of these methods. It verifies the caller again rather than trust
// what the gateway knew a moment ago.
func (n *Node) administrator(ctx context.Context, _ *lmz.Request) error {
	c, _ := lmz.CallContextFrom(ctx)
	now, err := n.gateway.AskAgain(ctx, c.Caller().Address)
	switch {
	case err != nil && !authority.Definite(err):
		n.log.Warn("could not check whether a caller is an administrator", "subject", c.Auth.Subject, "error", err)
		return lmz.Errorf("cannot check right now whether you are an administrator: try again")
	case err != nil || now.Subject != c.Auth.Subject || now.Claims["isAdmin"] != true:
		e := lmz.Errorf("only an administrator may do this")
		e.Name = admin.NotAdmin
		return e
	}
	return nil
}

func (n *Node) listObjects(ctx context.Context, binding, after string, limit int) (admin.ObjectPage, error) {
	list, room := admin.ObjectPage{Objects: []admin.StoredObject{}}, newPage(limit)
	for s, err := range n.objects.List(binding, after) {
		if ctx.Err() != nil {
			break
		}
		o := admin.StoredObject{Binding: s.Address.Binding, Instance: s.Address.Instance, Bytes: s.Size, Changed: s.Changed, Open: s.Open}
		if err != nil {
			o.Error = cut(err.Error())
		}
		if !room.takes(o.Binding, o.Instance, o.Error) {
			list.Next = after
			break
		}
		after = cmp.Or(s.File, after) // an unreadable folder has none
		list.Objects = append(list.Objects, o)
	}
	return list, ctx.Err()
}

func (n *Node) queryObject(ctx context.Context, of lmz.Address, query string) (object.QueryResult, error) {
	table, err := n.objects.Inspect(ctx, of, query)
	return table, named(err)
}

func (n *Node) backUpObject(ctx context.Context, of lmz.Address) (admin.ObjectCopy, error) {
	made, err := n.newCopy()
	if err != nil {
		return made, err
	}
	c, err := n.copies.use(made.ID)
	if err == nil {
		err = n.objects.Backup(ctx, of, c.file())
	}
	if err != nil {
		_ = n.copies.drop(made.ID) // the next start removes leftovers
		return made, named(err)
	}
	info, err := os.Stat(c.file())
	if err != nil {
		return made, err
	}
	made.Bytes = info.Size()
	return made, nil
}

func (n *Node) readCopy(_ context.Context, id string, offset int64) ([]byte, error) {
	c, err := n.copies.use(id)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(c.file())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	chunk := make([]byte, copyChunk)
	size, err := f.ReadAt(chunk, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return chunk[:size], err
}

func (n *Node) newCopy() (admin.ObjectCopy, error) {
	if n.dir == "" {
		return admin.ObjectCopy{}, lmz.Errorf("these objects are in memory: there are no files")
	}
	return n.copies.make(n.dir)
}

func (n *Node) appendCopy(_ context.Context, id string, chunk []byte) (struct{}, error) {
	c, err := n.copies.use(id)
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

func (n *Node) restoreObject(ctx context.Context, id string, to lmz.Address) (struct{}, error) {
	c, err := n.copies.use(id)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, named(n.objects.Restore(ctx, c.file(), to))
}

func (n *Node) removeObject(ctx context.Context, a lmz.Address) (struct{}, error) {
	err := n.objects.Remove(ctx, a)
	if err == nil {
		c, _ := lmz.CallContextFrom(ctx)
		n.log.Warn("an administrator removed an object", "binding", a.Binding, "instance", a.Instance,
			"subject", c.Auth.Subject, "email", c.Auth.Claims["email"], "by", c.Caller().String())
	}
	return struct{}{}, named(err)
}
