// Package cli is what the command lines of our programs have in common: help on standard
// output, what shells complete, exit codes, errors of one line each, and flags that may be
// written with one dash.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/spelling"
	"github.com/gatehousehq/gatehouse/internal/version"
)

// The exit codes of all programs.
const (
	exitError = 1
	exitUsage = 2
)

// ExitCode is the error of a command that ends with a code of its own, and has said why.
type ExitCode int

func (c ExitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// usageError is the error of a command line that was not understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Usagef is an error of the command line itself: it names the flag or the argument and what
// to write. A program ends with 2 for it.
func Usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// IsUsage reports whether an error is of the command line itself.
func IsUsage(err error) bool {
	_, ok := errors.AsType[usageError](err)
	return ok
}

// Root is the command of a program, which has others.
func Root(name, short string, commands ...*cobra.Command) *cobra.Command {
	root := &cobra.Command{Use: name, Short: short, Version: version.String()}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetUsageTemplate(usageTemplate(root))
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(commands...)
	return root
}

// Group is a command that is nothing without one of others.
func Group(name, short string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: name, Short: short}
	group.AddCommand(commands...)
	return group
}

// Run runs a command line and returns the exit code. What is wrong is on stderr, a line for
// each mistake.
func Run(ctx context.Context, root *cobra.Command, args []string, out, stderr io.Writer) int {
	root.SetOut(out)
	root.SetErr(stderr)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	topics(root)
	ownWords(root)
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		completions(root) // which reads the quotes
		plainUsages(root)
	}
	args = LongFlags(root, args)
	root.SetArgs(args)
	at, err := known(root, args)
	if err == nil {
		at, err = root.ExecuteContextC(ctx)
	}
	if code, ok := errors.AsType[ExitCode](err); ok {
		return int(code)
	}
	switch {
	case err == nil:
		return 0
	case IsUsage(err):
		say(stderr, at.CommandPath(), fmt.Sprintf("%v; see %s --help", err, at.CommandPath()))
		return exitUsage
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		say(stderr, root.Name(), "interrupted")
	default:
		say(stderr, root.Name(), err.Error())
	}
	return exitError
}

func say(w io.Writer, who, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		_, _ = fmt.Fprintf(w, "%s: %s\n", who, line)
	}
}

// known is the error of a command that there is not, or that is missing, and the command that
// it is to be one of.
func known(root *cobra.Command, args []string) (of *cobra.Command, err error) {
	if len(args) == 0 || strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		return root, nil // help, and the shell's question
	}
	of, rest, err := root.Find(args)
	if err != nil {
		of, rest = root, args
	}
	switch {
	case !of.HasAvailableSubCommands():
		return of, nil
	case len(rest) == 0:
		return of, Usagef("name a command: %s", strings.Join(names(of), ", "))
	case strings.HasPrefix(rest[0], "-"):
		return of, nil // a flag, of which cobra tells
	default:
		return of, unknown(of, rest[0])
	}
}

func unknown(among *cobra.Command, name string) error {
	if near := spelling.Nearest(name, names(among), spelling.AnyNumber); near != "" {
		return Usagef("unknown command %q; did you mean %s?", name, near)
	}
	return Usagef("unknown command %q; it is one of: %s", name, strings.Join(names(among), ", "))
}

func names(of *cobra.Command) (list []string) {
	for _, c := range of.Commands() {
		if c.IsAvailableCommand() {
			list = append(list, c.Name())
		}
	}
	return list
}

// topics has `help` refuse what is no command, where cobra's prints something else.
func topics(root *cobra.Command) {
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		return
	}
	help.Run = nil
	help.RunE = func(_ *cobra.Command, args []string) error {
		of, rest, err := root.Find(args)
		if err != nil || len(rest) > 0 {
			return unknown(root, strings.Join(args, " "))
		}
		of.InitDefaultHelpFlag()
		of.InitDefaultVersionFlag()
		return of.Help()
	}
}

// NoArguments is the error of arguments that a command has no use for.
func NoArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("it takes no argument %q", args[0])
	}
	return nil
}
