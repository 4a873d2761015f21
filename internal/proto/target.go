package proto

import "github.com/lumenize/lmz"

// Directory is a [Node] that knows which nodes there can be.
type Directory interface {
	// CheckTarget returns why no node can be at to, or nil: no such binding, an object
	// without an instance, a worker with one. It does not ask whether a client is there.
	CheckTarget(to lmz.Address) *lmz.Error
}

// CheckTarget asks n before a call is made, so that a wrong address fails at once and
// where it was written. A node that is no [Directory] finds out when it delivers.
func CheckTarget(n Node, to lmz.Address) error {
	if d, ok := n.(Directory); ok {
		if err := d.CheckTarget(to); err != nil {
			return err
		}
	}
	return nil
}
