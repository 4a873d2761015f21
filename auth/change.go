package auth

import (
	"fmt"
)

// Change replaces these options, all at once, for requests that begin from now on. After an error
// nothing has changed. A subject that BootstrapEmail named before stays an admin until another
// admin changes that. The service forgets what mail servers refused, because the sender may have
// changed as well.
func (s *Service) Change(c Changeable) error {
	c, err := c.checked()
	if err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	s.changeable.Store(&c)
	s.refusals.Forget()
	return nil
}
