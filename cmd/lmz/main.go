// Command lmz is Lumenize Mesh on the command line: gateways, sign-in, calls, and the terminal
// editor. Run it without arguments for help.
package main

import (
	"context"
	"os"

	"github.com/lumenize/lmz/cli"
)

func main() {
	ctx, stop := cli.Interruptible(context.Background())
	code := cli.Main(ctx, os.Args[1:], cli.System())
	stop()
	os.Exit(code)
}
