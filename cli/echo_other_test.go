//go:build !linux

package cli_test

import (
	"os"
	"time"
)

// stopsEcho waits, where the master of a terminal does not tell its mode.
func stopsEcho(*os.File) error {
	time.Sleep(time.Second) // nothing tells
	return nil
}
