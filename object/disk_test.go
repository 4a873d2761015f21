//go:build unix

package object

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// watchedDisk is what stands between SQLite and the files below a directory: it counts what
// SQLite has synced, and may have that take time or fail, and writes fail as on a full disk.
type watchedDisk struct {
	mu    sync.Mutex
	dir   string
	syncs map[string]int // by what the file is of: an instance, or "index"
	slow  time.Duration  // how long each sync takes
	sick  bool           // syncs fail, though what was to be synced may get to the disk
	full  bool           // writes fail
}

// watchDisk watches the files below dir that are opened from now on.
func watchDisk(t *testing.T, dir string) *watchedDisk {
	registerWatched()
	d := &watchedDisk{dir: dir, syncs: make(map[string]int)}
	watchedFiles.mu.Lock()
	defer watchedFiles.mu.Unlock()
	watchedFiles.disks = append(watchedFiles.disks, d)
	return d
}

// take returns how often the files of an object were synced since it was last asked.
func (d *watchedDisk) take(of string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n = d.syncs[of]
	d.syncs[of] = 0
	return n
}

// set changes how the disk behaves.
func (d *watchedDisk) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// sync counts the sync of a file, and returns SQLite's code if it fails.
func (d *watchedDisk) sync(path string) int32 {
	d.mu.Lock()
	name := strings.TrimSuffix(filepath.Base(path), "-wal")
	of, _, isObject := strings.Cut(name, "-") // of its hash
	if !isObject {
		of = strings.TrimSuffix(name, ".db")
	}
	d.syncs[of]++
	slow, sick := d.slow, d.sick
	d.mu.Unlock()
	time.Sleep(slow) // virtual, and 0 otherwise
	if sick {
		return sqlite3.SQLITE_IOERR_FSYNC
	}
	return sqlite3.SQLITE_OK
}

func (d *watchedDisk) isFull() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.full
}

// watchedFile is an open file of SQLite's.
type watchedFile struct {
	disk    *watchedDisk
	path    string
	methods *sqlite3.Tsqlite3_io_methods // without us
}

// watchedFiles are the open ones that are below a watched directory. SQLite knows them by
// their address.
var watchedFiles struct {
	once    sync.Once
	vfs     uintptr // SQLite's own
	mu      sync.Mutex
	disks   []*watchedDisk
	open    map[uintptr]watchedFile
	methods map[uintptr]uintptr // with us, by those without
}

// registerWatched puts watchedOpen into the place of what SQLite opens files with.
func registerWatched() {
	w := &watchedFiles
	w.once.Do(func() {
		w.open, w.methods = make(map[uintptr]watchedFile), make(map[uintptr]uintptr)
		tls := libc.NewTLS()
		w.vfs = sqlite3.Xsqlite3_vfs_find(tls, 0)
		ours := clone[sqlite3.Tsqlite3_vfs](tls, w.vfs)
		name, err := libc.CString("watched")
		if err != nil {
			panic(err)
		}
		vfs := at[sqlite3.Tsqlite3_vfs](ours)
		vfs.FzName, vfs.FxOpen = name, pointerTo(watchedOpen)
		if code := sqlite3.Xsqlite3_vfs_register(tls, ours, 1); code != sqlite3.SQLITE_OK {
			panic(code)
		}
	})
}

// watchedOpen implements xOpen.
func watchedOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	w := &watchedFiles
	open := function[func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32](at[sqlite3.Tsqlite3_vfs](w.vfs).FxOpen)
	code := open(tls, vfs, name, file, flags, outFlags)
	if code != sqlite3.SQLITE_OK || name == 0 {
		return code
	}
	path := libc.GoString(name)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.disks {
		if !strings.HasPrefix(path, d.dir) {
			continue
		}
		f := at[sqlite3.Tsqlite3_file](file)
		ours := w.methods[f.FpMethods]
		if ours == 0 {
			ours = clone[sqlite3.Tsqlite3_io_methods](tls, f.FpMethods)
			methods := at[sqlite3.Tsqlite3_io_methods](ours)
			methods.FxSync, methods.FxWrite = pointerTo(watchedSync), pointerTo(watchedWrite)
			w.methods[f.FpMethods] = ours
		}
		w.open[file] = watchedFile{d, path, at[sqlite3.Tsqlite3_io_methods](f.FpMethods)}
		f.FpMethods = ours
	}
	return code
}

func watchedAt(file uintptr) watchedFile {
	watchedFiles.mu.Lock()
	defer watchedFiles.mu.Unlock()
	return watchedFiles.open[file]
}

// watchedSync implements xSync.
func watchedSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := watchedAt(file)
	if code := f.disk.sync(f.path); code != sqlite3.SQLITE_OK {
		return code
	}
	return function[func(*libc.TLS, uintptr, int32) int32](f.methods.FxSync)(tls, file, flags)
}

// watchedWrite implements xWrite.
func watchedWrite(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	f := watchedAt(file)
	if f.disk.isFull() {
		return sqlite3.SQLITE_FULL
	}
	return function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.methods.FxWrite)(tls, file, data, n, offset)
}

// SQLite is C that was translated to Go: its pointers are numbers, also those to functions.

// at returns what is at an address.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// clone copies what is at an address to memory that is never freed.
func clone[T any](tls *libc.TLS, address uintptr) uintptr {
	p := sqlite3.Xsqlite3_malloc(tls, int32(unsafe.Sizeof(*at[T](address))))
	*at[T](p) = *at[T](address)
	return p
}

// pointerTo returns the pointer to a function that is no closure.
func pointerTo[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// function returns the function that a pointer leads to.
func function[F any](pointer uintptr) F { return *(*F)(unsafe.Pointer(&pointer)) }
