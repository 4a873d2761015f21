//go:build unix

package signals

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// A command that takes SIGHUP is notified and continues; any other command is interrupted.
func TestHangup(t *testing.T) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // nohup may run the tests, which makes the process ignore it
	defer signal.Stop(hangups)
	ctx, stop := Interruptible(t.Context())
	defer stop()
	taken := TakeHangups(ctx)
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-taken
	if ctx.Err() != nil {
		t.Error("the command was interrupted")
	}
	other, stopOther := Interruptible(t.Context())
	defer stopOther()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-other.Done()
}

func TestHangupsOfNobody(t *testing.T) {
	if TakeHangups(t.Context()) != nil {
		t.Error("there are hangups although nobody watches signals")
	}
}
