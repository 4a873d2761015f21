package adminnode

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway/admin"
)

const (
	copyChunk  = 256 << 10
	copyIdle   = 10 * time.Minute
	maxCopies  = 8
	maxCopied  = 4 << 30 // bytes
	copyFolder = "check-copy-*"
)

// copies tracks the copies that administrators are reading or writing.
type copies struct {
	mu   sync.Mutex
	open map[string]*objectCopy
}

type objectCopy struct {
	dir  string
	idle *time.Timer
}

func (c *objectCopy) file() string { return filepath.Join(c.dir, "copy.db") }

// make creates a directory for a copy below the data directory, where the next start removes
// what a crash has left.
func (cs *copies) make(below string) (admin.ObjectCopy, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.open) >= maxCopies {
		return admin.ObjectCopy{}, lmz.Errorf("there are %d copies already: let go of one", maxCopies)
	}
	dir, err := os.MkdirTemp(below, copyFolder)
	if err != nil {
		return admin.ObjectCopy{}, err
	}
	id := rand.Text()
	if cs.open == nil {
		cs.open = make(map[string]*objectCopy)
	}
	cs.open[id] = &objectCopy{dir: dir, idle: time.AfterFunc(copyIdle, func() { cs.drop(id) })}
	return admin.ObjectCopy{ID: id}, nil
}

// use returns a copy and postpones its removal.
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
