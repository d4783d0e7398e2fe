package cli

import (
	"regexp"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// inFiles are the words for what a shell finds among files: a flag whose value is called so, and
// a command with such an argument, is offered files. Nothing else is.
var inFiles = regexp.MustCompile(`\b(FILE|FOLDER|SOCKET|PROGRAM|PLACE|COMMAND)\b`)

// choices is the annotation of a flag with what it may be.
const choices = "gatehouse.choices"

// Values has a shell offer what a flag may be.
func Values(flags *pflag.FlagSet, name string, values ...string) {
	_ = flags.SetAnnotation(name, choices, values) // it is there
}

// completions has a shell offer what a flag or an argument may be.
func completions(of *cobra.Command) {
	if of.ValidArgsFunction == nil && len(of.ValidArgs) == 0 && !inFiles.MatchString(of.Use) {
		of.ValidArgsFunction = cobra.NoFileCompletions
	}
	of.LocalFlags().VisitAll(func(f *pflag.Flag) {
		value, _ := pflag.UnquoteUsage(f)
		switch values, ok := f.Annotations[choices]; {
		case ok:
			_ = of.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
		case !inFiles.MatchString(value):
			_ = of.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
		}
	})
	for _, sub := range of.Commands() {
		completions(sub)
	}
}
