package cli_test

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// stopsEcho returns an error while a terminal echoes input.
func stopsEcho(screen *os.File) error {
	connection, err := screen.SyscallConn()
	if err != nil {
		return err
	}
	var mode *unix.Termios
	if controlled := connection.Control(func(fd uintptr) { mode, err = unix.IoctlGetTermios(int(fd), unix.TCGETS) }); controlled != nil {
		return controlled
	}
	if err == nil && mode.Lflag&unix.ECHO != 0 {
		err = errors.New("the terminal shows what is typed")
	}
	return err
}
