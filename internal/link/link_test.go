package link

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

// stuck is a socket that accepts one message and then blocks until it is closed.
type stuck struct {
	taken  int
	closed chan struct{}
	once   sync.Once
}

func (s *stuck) Read() ([]byte, error) {
	<-s.closed
	return nil, errors.New("closed")
}

func (s *stuck) Write([]byte) error {
	if s.taken++; s.taken == 1 {
		return nil
	}
	<-s.closed
	return errors.New("closed")
}

func (s *stuck) Close(int, string) error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// TestAbandonOfSingleMessages checks the counts on which a session without acknowledgements
// relies: a socket that accepts messages one at a time has begun one more than it has
// written.
func TestAbandonOfSingleMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1, &stuck{closed: make(chan struct{})})
		for range 5 {
			l.Send([]byte("tick"))
		}
		go l.Run(func(*Link, []byte) {}, func(*Link, error) {})
		synctest.Wait()
		if n := l.Written(); n != 1 {
			t.Errorf("%d messages count as written, 1 is", n)
		}
		if n := l.Abandon(4401, ""); n != 2 {
			t.Errorf("%d messages may have been written, 2 may", n)
		}
		<-l.Done()
	})
}
