package cli

import (
	"errors"
	"flag"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/spelling"
)

// LongFlags writes -name as --name where a command has such a flag: that is how flags were
// written before, and scripts do. What is a flag's value, or behind --, stays as it is.
func LongFlags(root *cobra.Command, args []string) []string {
	out, at, inCommand := slices.Clone(args), root, false
	if out == nil {
		out = []string{} // nil is os.Args to cobra
	}
	for i := 0; i < len(out); i++ {
		arg := out[i]
		switch {
		case arg == "--":
			return out
		case !strings.HasPrefix(arg, "-") || arg == "-":
			sub := subcommand(at, arg)
			if sub == nil || inCommand {
				if inCommand = true; stopsAtArguments(at) {
					return out
				}
				continue
			}
			at = sub
		default:
			var takesNext bool
			if out[i], takesNext = longFlag(at, arg); takesNext {
				i++
			}
		}
	}
	return out
}

// longFlag is one flag, and whether the next argument is its value.
func longFlag(of *cobra.Command, arg string) (as string, takesNext bool) {
	name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	known := lookup(of, name)
	switch {
	case known == nil:
		return arg, false
	case len(name) > 1 && !strings.HasPrefix(arg, "--"):
		arg = "-" + arg
	}
	return arg, !hasValue && known.NoOptDefVal == ""
}

func lookup(of *cobra.Command, name string) *pflag.Flag {
	of.InitDefaultHelpFlag()
	of.InitDefaultVersionFlag()
	if len(name) == 1 {
		return of.Flags().ShorthandLookup(name)
	}
	if known := of.Flags().Lookup(name); known != nil {
		return known
	}
	return of.InheritedFlags().Lookup(name)
}

func subcommand(of *cobra.Command, name string) *cobra.Command {
	for _, c := range of.Commands() {
		if c.Name() == name || c.HasAlias(name) {
			return c
		}
	}
	return nil
}

// argumentsEnd is the annotation of a command whose arguments are another's command line.
const argumentsEnd = "gatehouse.arguments"

// CommandLine says that what is behind the flags of a command is another command line, whose
// flags are its own.
func CommandLine(c *cobra.Command) *cobra.Command {
	c.Flags().SetInterspersed(false)
	c.Annotations = map[string]string{argumentsEnd: "command"}
	return c
}

func stopsAtArguments(c *cobra.Command) bool { return c.Annotations[argumentsEnd] != "" }

// flagError says in our words what pflag says of a flag.
func flagError(of *cobra.Command, err error) error {
	if missing, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return noSuchFlag(of, missing)
	}
	if empty, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return Usagef("%s needs a value", written(empty.GetFlag()))
	}
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return wrongValue(wrong)
	}
	return Usagef("%w", err)
}

// wrongValue says what is wrong with a value, and never in the words of package strconv.
func wrongValue(wrong *pflag.InvalidValueError) error {
	name, value, why := written(wrong.GetFlag()), wrong.GetValue(), wrong.Unwrap().Error()
	switch wrong.GetFlag().Value.Type() {
	case "int":
		why = "write a whole number"
	case "duration":
		why = "write a time such as 30s or 5m"
	case "bool":
		why = "write true or false"
	}
	if strings.HasPrefix(why, strconv.Quote(value)) {
		return Usagef("%s: %s", name, why)
	}
	return Usagef("%s %q: %s", name, value, why)
}

// written is how people write a flag.
func written(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}

func noSuchFlag(of *cobra.Command, missing *pflag.NotExistError) error {
	// Of -loud, pflag reads -l -o -u -d.
	name := missing.GetSpecifiedName()
	if group := missing.GetSpecifiedShortnames(); group != "" {
		name = group
	}
	var names []string
	of.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := spelling.Nearest(name, names, spelling.AnyNumber); near != "" {
		return Usagef("there is no flag --%s; did you mean --%s?", name, near)
	}
	if len(name) == 1 {
		return Usagef("there is no flag -%s", name)
	}
	return Usagef("there is no flag --%s", name)
}

// GoFlags adds flags of the standard library's package to a command's.
func GoFlags(to *pflag.FlagSet, define func(*flag.FlagSet) error) error {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	err := define(flags)
	to.AddGoFlagSet(flags)
	return err
}

// Output defines -o, how something is printed: the first of the formats unless it is given.
func Output(flags *pflag.FlagSet, to *string, formats ...string) {
	*to = formats[0]
	flags.VarP(&output{to, formats}, "output", "o", "`how` it is printed: "+strings.Join(formats, " or "))
	Values(flags, "output", formats...)
}

type output struct {
	to      *string
	formats []string
}

func (o *output) String() string { return *o.to }
func (o *output) Type() string   { return "format" }

func (o *output) Set(text string) error {
	if !slices.Contains(o.formats, text) {
		return errors.New("write " + strings.Join(o.formats, " or "))
	}
	*o.to = text
	return nil
}

// plainUsages takes the quotes out of the flags' usages, by which pflag finds the name of a
// value. The help is without them, and a shell shows them as they are.
func plainUsages(of *cobra.Command) {
	plain := func(f *pflag.Flag) { _, f.Usage = pflag.UnquoteUsage(f) }
	of.LocalFlags().VisitAll(plain)
	for _, sub := range of.Commands() {
		plainUsages(sub)
	}
}
