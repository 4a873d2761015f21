package auth

import (
	"fmt"
)

// Change replaces these options, all at once, for requests that begin afterwards. If it fails,
// nothing has changed. A subject that BootstrapEmail named before stays an admin until another
// admin changes that. The service forgets the refusals of mail servers, because the sender may
// have changed as well.
func (s *Service) Change(c Changeable) error {
	c, err := c.checked()
	if err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	s.changeable.Store(&c)
	s.refusals.Forget()
	return nil
}
