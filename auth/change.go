package auth

import (
	"fmt"
)

// Change replaces these options, all together, for requests that begin from now on. On an
// error nothing changes. Whom BootstrapEmail named before stays an admin until another
// admin changes that. What mail servers have refused is forgotten: the sender may have
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
