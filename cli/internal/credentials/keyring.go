package credentials

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/lumenize/lmz/cli/internal/exit"
)

// keyringTimeout is for keyrings that never answer, such as behind a hung D-Bus. An abandoned
// request continues in the background.
const keyringTimeout = 3 * time.Second

func keyringService(server string) string { return "lmz:" + server }

func writeKeyring(server, email string, s Secrets) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = askKeyring(func() (string, error) {
		return "", keyring.Set(keyringService(server), email, string(data))
	})
	return err
}

func readKeyring(server, email string) (s *Secrets, found bool, err error) {
	data, err := askKeyring(func() (string, error) { return keyring.Get(keyringService(server), email) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, exit.Errorf(exit.Login, "unlock it, or sign in again with --no-keyring", "cannot read the system's keyring: %v", err)
	}
	s = new(Secrets)
	if err := json.Unmarshal([]byte(data), s); err != nil {
		return nil, false, nil // not ours
	}
	return s, true, nil
}

func deleteKeyring(server, email string) error {
	_, err := askKeyring(func() (string, error) {
		return "", keyring.Delete(keyringService(server), email)
	})
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}

func askKeyring(question func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := question()
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-time.After(keyringTimeout):
		return "", errors.New("no answer in " + keyringTimeout.String())
	}
}
