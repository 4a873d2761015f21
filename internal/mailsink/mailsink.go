// Package mailsink is a mail server for tests that accepts and keeps all mail.
package mailsink

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// patience is how long a client may be silent.
const patience = 20 * time.Second

// Sink is a mail server that keeps what it receives. Its methods may be called from any goroutine.
type Sink struct {
	Addr string // host and port

	listener net.Listener
	served   sync.WaitGroup
	tried    chan struct{} // receives a value for each mail that a client tried to send

	mu      sync.Mutex        // guards the following fields
	refused map[string]string // answers to commands, by verb
	offered []string          // extensions
	said    []string          // commands
	answer  string
	mails   []string
	login   string
	hello   string
}

// Start serves on a free port of the local host.
func Start() (*Sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return Serve(l), nil
}

// Serve serves on l, which Close closes.
func Serve(l net.Listener) *Sink {
	s := &Sink{Addr: l.Addr().String(), listener: l, refused: make(map[string]string), tried: make(chan struct{}, 1000)}
	s.served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.served.Go(func() {
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(patience))
				s.serve(conn)
			})
		}
	})
	return s
}

// Close stops the server and waits for its clients.
func (s *Sink) Close() {
	s.listener.Close()
	s.served.Wait()
}

func (s *Sink) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	fmt.Fprint(conn, "220 sink\r\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.Fields(line + " x")[0])
		if refusal := s.hear(verb, line); refusal != "" {
			fmt.Fprint(conn, refusal+"\r\n")
			if verb != "EHLO" && verb != "HELO" {
				s.tried <- struct{}{}
			}
			continue
		}
		switch verb {
		case "EHLO":
			s.mu.Lock()
			s.hello = strings.TrimSpace(line[len("EHLO"):])
			for _, extension := range append([]string{"sink", "AUTH PLAIN"}, s.offered...) {
				fmt.Fprint(conn, "250-"+extension+"\r\n")
			}
			s.mu.Unlock()
			fmt.Fprint(conn, "250 8BITMIME\r\n")
		case "AUTH":
			s.mu.Lock()
			s.login = strings.TrimSpace(line)
			s.mu.Unlock()
			fmt.Fprint(conn, "235 hello\r\n")
		case "DATA":
			fmt.Fprint(conn, "354 go on\r\n")
			fmt.Fprint(conn, s.take(readMail(in))+"\r\n")
			s.tried <- struct{}{}
		case "STARTTLS":
			fmt.Fprint(conn, "502 not here\r\n")
		case "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}

// hear records a command and returns the refusal set for it, or "".
func (s *Sink) hear(verb, line string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, strings.TrimSpace(line))
	return s.refused[verb]
}

// Refuse makes the server answer a command, such as "RCPT", with a line; "" restores the default.
func (s *Sink) Refuse(verb, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[verb] = line
}

// Offer makes the server offer extensions, such as "SMTPUTF8".
func (s *Sink) Offer(extensions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered = extensions
}

// Said returns all commands of clients, oldest first.
func (s *Sink) Said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.said)
}

// readMail reads a mail up to the line that holds only a dot.
func readMail(in *bufio.Reader) string {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return text.String()
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
}

// take keeps a mail, unless another answer is set.
func (s *Sink) take(mail string) (answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answer != "" {
		return s.answer
	}
	s.mails = append(s.mails, mail)
	return "250 taken"
}

// Answer makes the server answer mails with a line, such as "451 not now", instead of accepting
// them; "" makes it accept them again.
func (s *Sink) Answer(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = line
}

// Mails returns the accepted mails, oldest first.
func (s *Sink) Mails() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Login returns the last AUTH command of a client.
func (s *Sink) Login() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.login
}

// Hello returns the name in the last greeting of a client.
func (s *Sink) Hello() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hello
}

// Wait waits for the next mail and reports whether one was accepted or refused in time.
func (s *Sink) Wait() bool {
	select {
	case <-s.tried:
		return true
	case <-time.After(patience):
		return false
	}
}
