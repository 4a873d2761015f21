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

// watchedDisk sits between SQLite and the files below a directory: it counts SQLite's syncs,
// can make them slow or fail, and can make writes fail as on a full disk.
type watchedDisk struct {
	mu    sync.Mutex
	dir   string
	syncs map[string]int // by owner of the file: an instance, or "index"
	slow  time.Duration  // how long each sync takes
	sick  bool           // syncs fail, though the data may get to the disk
	full  bool           // writes fail
}

// watchDisk watches files below dir that are opened from now on.
func watchDisk(t *testing.T, dir string) *watchedDisk {
	registerWatched()
	d := &watchedDisk{dir: dir, syncs: make(map[string]int)}
	watchedFiles.mu.Lock()
	defer watchedFiles.mu.Unlock()
	watchedFiles.disks = append(watchedFiles.disks, d)
	return d
}

// take returns how often the files of an object were synced since the last call.
func (d *watchedDisk) take(of string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n = d.syncs[of]
	d.syncs[of] = 0
	return n
}

// set changes the behavior of the disk.
func (d *watchedDisk) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// sync counts the sync of a file, and returns SQLite's code if it fails.
func (d *watchedDisk) sync(path string) int32 {
	d.mu.Lock()
	name := strings.TrimSuffix(filepath.Base(path), "-wal")
	of, _, isObject := strings.Cut(name, "-") // the rest is its hash
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

// watchedFile is an open file of SQLite.
type watchedFile struct {
	disk    *watchedDisk
	path    string
	methods *sqlite3.Tsqlite3_io_methods // the original ones
}

// watchedFiles are the open files below watched directories. SQLite identifies them by
// address.
var watchedFiles struct {
	once    sync.Once
	vfs     uintptr // SQLite's original
	mu      sync.Mutex
	disks   []*watchedDisk
	open    map[uintptr]watchedFile
	methods map[uintptr]uintptr // our methods, by the original ones
}

// registerWatched replaces the function with which SQLite opens files by watchedOpen.
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

// SQLite is C translated to Go: its pointers are numbers, including function pointers.

// at returns a pointer to the value at an address.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// clone copies the value at an address to memory that is never freed.
func clone[T any](tls *libc.TLS, address uintptr) uintptr {
	p := sqlite3.Xsqlite3_malloc(tls, int32(unsafe.Sizeof(*at[T](address))))
	*at[T](p) = *at[T](address)
	return p
}

// pointerTo returns the pointer to a function that is not a closure.
func pointerTo[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// function returns the function at a pointer.
func function[F any](pointer uintptr) F { return *(*F)(unsafe.Pointer(&pointer)) }
