package proto

import "github.com/lumenize/lmz"

// Directory is a [Node] that knows which addresses can exist.
type Directory interface {
	// CheckTarget returns why no node can have the address to, or nil: an unknown binding, an
	// object without an instance, a worker with one. It does not check whether a client is
	// connected.
	CheckTarget(to lmz.Address) *lmz.Error
}

// CheckTarget checks an address before a call is made, so that a wrong one fails at once, where
// it is used. A node that is not a [Directory] fails on delivery instead.
func CheckTarget(n Node, to lmz.Address) error {
	if d, ok := n.(Directory); ok {
		if err := d.CheckTarget(to); err != nil {
			return err
		}
	}
	return nil
}
