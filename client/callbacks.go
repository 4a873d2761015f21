package client

import "sync"

// callbacks runs the user's functions one after another on a separate goroutine, which lives
// while there is something to run.
type callbacks struct {
	mu      sync.Mutex // guards the following fields
	queue   []func()
	running bool
	stopped bool
	wg      *sync.WaitGroup
}

// add appends f to the queue. After stop it does nothing.
func (c *callbacks) add(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	c.queue = append(c.queue, f)
	if !c.running {
		c.running = true
		c.wg.Go(c.run)
	}
}

func (c *callbacks) run() {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 || c.stopped {
			c.running = false
			c.mu.Unlock()
			return
		}
		f := c.queue[0]
		c.queue = c.queue[1:]
		c.mu.Unlock()
		f()
	}
}

// stop prevents further functions from running.
func (c *callbacks) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped, c.queue = true, nil
}
