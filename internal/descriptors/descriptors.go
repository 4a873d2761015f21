// Package descriptors keeps a process from running out of file descriptors: it divides them
// between sockets and the files of objects, so that neither starves the other.
package descriptors

import (
	"errors"
	"math"
	"sync"
	"syscall"
)

const (
	// reserve is for descriptors that are always open (some 20: databases, the log, the lock) and
	// for short-lived ones: directories, copies, mail servers, the next connection.
	reserve = 32

	// leastFiles is the number of descriptors that sockets leave for the files of objects.
	leastFiles = 16

	// Least is the smallest limit that a server can work with.
	Least = reserve + 2*leastFiles
)

// Process divides the descriptors of this process. Go raises its limit to the hard limit ("ulimit
// -Hn") at startup.
var Process = New(limit())

// Pool divides a number of descriptors. Make one with [New]. Its methods may be called from any
// goroutine.
type Pool struct {
	limit int

	mu      sync.Mutex // guards the following fields
	sockets int
	shed    map[*func()]bool
}

// New returns a pool of n descriptors. Zero means that the number is unknown and nothing is
// limited.
func New(n int) *Pool {
	if n <= 0 {
		n = math.MaxInt32
	}
	return &Pool{limit: n, shed: make(map[*func()]bool)}
}

// Limit returns the number of descriptors.
func (p *Pool) Limit() int { return p.limit }

// Files returns how many descriptors files may have now: half, or what the sockets leave.
func (p *Pool) Files() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(min((p.limit-reserve)/2, p.limit-reserve-p.sockets), leastFiles)
}

// Sockets returns how many descriptors sockets may have.
func (p *Pool) Sockets() int { return max(p.limit-reserve-leastFiles, 1) }

// OnLess makes the pool call f, in its own goroutine, whenever the share of files shrinks. Call
// stop to end that.
func (p *Pool) OnLess(f func()) (stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := &f
	p.shed[key] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.shed, key)
	}
}

// addSocket counts a new socket, unless there are too many.
func (p *Pool) addSocket() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sockets >= p.Sockets() {
		return false
	}
	p.sockets++
	if p.sockets > (p.limit-reserve)/2 { // cuts into the half that files had
		p.less()
	}
	return true
}

func (p *Pool) dropSocket() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sockets--
}

// less notifies the functions set with OnLess. p.mu is held.
func (p *Pool) less() {
	for f := range p.shed {
		go (*f)()
	}
}

// Short reports whether an error means that the process or the machine ran out of descriptors.
func Short(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
