package sqlite

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/descriptors"
	"github.com/lumenize/lmz/internal/store"
)

// Disk is a data directory, see [store.Disk]. Create one with [Open].
type Disk struct {
	dir    string
	lock   io.Closer
	files  *openFiles
	wakes  *wakeIndex
	usage  *usage
	unhook func() // unregisters from the pool of descriptors
}

var _ store.Disk = (*Disk)(nil)

// Options configures a disk. Programs use the zero value.
type Options struct {
	// Files returns how many files of objects may be open now. Nil means as many as the
	// process's descriptor limit allows.
	Files func() int
}

// Open opens the data directory dir, creating it if necessary. It fails with
// [store.ErrInUse] while another process has it. If the wake index, index.db, is missing, it
// is rebuilt from the files of all objects, which takes some time and is logged.
func Open(dir string, log *slog.Logger, o Options) (*Disk, error) {
	if o.Files == nil {
		o.Files = mostFiles(descriptors.Process)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	d := &Disk{dir: dir, lock: lock, files: newOpenFiles(o.Files)}
	if err := errors.Join(makeDir(filepath.Join(dir, "objects")), dropCopies(dir)); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory: %w", err), lock.Close())
	}
	if d.wakes, err = openIndex(dir, func() (map[lmz.Address]int64, error) { return readWakes(dir, log) }); err != nil {
		return nil, errors.Join(fmt.Errorf("index of wakes: %w", store.WithoutPath(err)), lock.Close())
	}
	if d.usage, err = openUsage(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", usageFile, store.WithoutPath(err)), d.wakes.Close(), lock.Close())
	}
	d.unhook = descriptors.Process.OnLess(d.files.shrink)
	return d, nil
}

// Open implements [store.Disk].
func (d *Disk) Open(a lmz.Address, o store.Options) store.Store {
	return &Store{path: Path(d.dir, a), of: a, kind: o, files: d.files}
}

// Exists implements [store.Disk].
func (d *Disk) Exists(a lmz.Address) bool { return isFile(Path(d.dir, a)) }

// Size implements [store.Disk].
func (d *Disk) Size(a lmz.Address) int64 {
	path := Path(d.dir, a)
	return sizeOf(path) + sizeOf(path+"-wal")
}

// Wakes implements [store.Disk].
func (d *Disk) Wakes() store.WakeIndex { return d.wakes }

// Usage implements [store.Disk].
func (d *Disk) Usage() store.Usage { return d.usage }

// Files returns how many files of objects are open, and how many turns wait to open one.
func (d *Disk) Files() (open, waiting int) {
	d.files.mu.Lock()
	defer d.files.mu.Unlock()
	return d.files.open, d.files.waiting
}

// Close implements [store.Disk].
func (d *Disk) Close() error {
	d.unhook()
	return d.lock.Close()
}
