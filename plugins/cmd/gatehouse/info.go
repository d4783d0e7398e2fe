package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// infoCommand is the query command, which Kong runs once for each plugin when it starts: it
// reads JSON from a pipe. On a terminal people read.
func infoCommand(s streams) *cobra.Command {
	format := "json"
	c := command("info [PLUGIN]", "say what a plugin can be told, or which plugins there are", nil)
	if onTerminal(s.out) {
		cli.Output(c.Flags(), &format, "table", "json")
	} else {
		cli.Output(c.Flags(), &format, "json", "table")
	}
	c.Long = `Say what a plugin can be told: its phases, its priority and the fields of its config.
Without PLUGIN, say which plugins there are.

It is a table on a terminal, and elsewhere the JSON that Kong's query command has to print.`
	c.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return cli.Usagef("name one PLUGIN, or none for a list")
		}
		return info(s.out, format, args)
	}
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		server, err := infoServer()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return server.Names(), cobra.ShellCompDirectiveNoFileComp
	}
	return c
}

func onTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func infoServer() (*pluginserver.Server, error) {
	p, err := offlinePlugins()
	if err != nil {
		return nil, err
	}
	return pluginserver.New(pluginserver.Options{Strict: true}, p.list()...)
}

func info(out io.Writer, format string, args []string) error {
	server, err := infoServer()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return listPlugins(out, format, server)
	}
	if names := server.Names(); !slices.Contains(names, args[0]) {
		return cli.Usagef("no plugin %q%s", args[0], cmp.Or(spelling.DidYouMean(args[0], names), "; it is one of: "+strings.Join(names, ", ")))
	}
	dump, err := server.Info(args[0])
	if err != nil {
		return err
	}
	if format == "table" {
		return infoTable(out, widthFor(out), dump)
	}
	_, err = fmt.Fprintf(out, "%s\n", dump)
	return err
}

func listPlugins(out io.Writer, format string, server *pluginserver.Server) error {
	if format == "json" {
		return json.NewEncoder(out).Encode(server.Names())
	}
	_, err := fmt.Fprintln(out, strings.Join(server.Names(), "\n"))
	return err
}
