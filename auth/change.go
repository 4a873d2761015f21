package auth

import (
	"cmp"
	"fmt"
)

// Changeable are the options that a service takes anew while it runs; see [Options] for
// what each means.
type Changeable struct {
	AppName         string
	BootstrapEmail  string
	TurnstileSecret string
}

// checked returns c with defaults filled in.
func (c Changeable) checked() (Changeable, error) {
	c.AppName = cmp.Or(c.AppName, "Lumenize")
	if c.BootstrapEmail != "" {
		email, ok := NormalEmail(c.BootstrapEmail)
		if !ok {
			return c, fmt.Errorf("BootstrapEmail %q is not a mail address", c.BootstrapEmail)
		}
		c.BootstrapEmail = email
	}
	return c, nil
}

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
	s.refusals.forget()
	return nil
}
