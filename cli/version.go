package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lumenize/lmz/cli/internal/console"
	"github.com/lumenize/lmz/cli/internal/flags"
	"github.com/lumenize/lmz/cli/internal/output"
)

func versionCommand(con *console.Console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  flags.NoWords,
		RunE: func(*cobra.Command, []string) error {
			v := thisBuild()
			if asJSON {
				return output.JSON(con.Out, v)
			}
			_, err := fmt.Fprintln(con.Out, v)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object: version, revision, platform, go")
	return cmd
}

// build is the JSON of lmz version.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // empty if unknown
	Platform string `json:"platform"`
	Go       string `json:"go"`
}

// String is what lmz version prints.
func (b build) String() string {
	return strings.Join(strings.Fields("lmz "+b.Version+" "+b.Revision+" "+b.Platform+" "+b.Go), " ")
}

func thisBuild() build {
	b := build{Version: "(unknown)", Platform: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return b
}
