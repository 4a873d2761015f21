// Package descriptors keeps a process from running out of file descriptors: it shares them between
// sockets and the files of objects, so that neither takes what the other needs.
package descriptors

import (
	"errors"
	"math"
	"sync"
	"syscall"
)

const (
	// reserve is for what is always open (some 20: databases, the log, the lock) and for what is
	// opened briefly: directories, copies, mail servers, the next connection.
	reserve = 32

	// leastFiles is what sockets leave for the files of objects.
	leastFiles = 16

	// Least is the smallest limit that a server can work with.
	Least = reserve + 2*leastFiles
)

// Process shares the descriptors of this process. Go raised its limit to the hard limit ("ulimit
// -Hn") at the start.
var Process = New(limit())

// Pool shares a number of descriptors. Make one with [New]. Its methods may be called from any
// goroutine.
type Pool struct {
	limit int

	mu      sync.Mutex // guards the following fields
	sockets int
	shed    map[*func()]bool
}

// New returns a pool of n descriptors. Zero means that the number is unknown, and nothing is
// limited.
func New(n int) *Pool {
	if n <= 0 {
		n = math.MaxInt32
	}
	return &Pool{limit: n, shed: make(map[*func()]bool)}
}

// Limit returns how many descriptors there are.
func (p *Pool) Limit() int { return p.limit }

// Files returns how many descriptors files may have now: half, or what the sockets leave.
func (p *Pool) Files() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(min((p.limit-reserve)/2, p.limit-reserve-p.sockets), leastFiles)
}

// Sockets returns how many descriptors sockets may have.
func (p *Pool) Sockets() int { return max(p.limit-reserve-leastFiles, 1) }

// OnLess makes the pool call f, on its own goroutine, when files may have fewer than before. Call
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
	if p.sockets > (p.limit-reserve)/2 { // the files had half
		p.less()
	}
	return true
}

func (p *Pool) dropSocket() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sockets--
}

// less notifies those who keep files. p.mu is held.
func (p *Pool) less() {
	for f := range p.shed {
		go (*f)()
	}
}

// Short reports whether an error means that no descriptor was left, in the process or on the
// machine.
func Short(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
