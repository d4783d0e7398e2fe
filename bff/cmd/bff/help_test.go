package main

import (
	"io"
	"testing"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli/clitest"
)

func TestHelpOfAllCommands(t *testing.T) {
	clitest.Check(t, func() *cobra.Command {
		return commands(func(string) string { return "" }, io.Discard)
	})
}
