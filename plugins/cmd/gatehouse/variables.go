package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/spelling"
)

// variables are all of this program, without [variablePrefix].
var variables = []string{
	"AUDIT_CHAIN_KEY", "AUDIT_LOG", "AUDIT_MAX_MEGABYTES", "AUDIT_QUEUE", "AUDIT_RETENTION_DAYS",
	"DEADLINES", "EDGE_NAMES", "EDGE_TLS", "ENV", "GATEWAY", "HTTP", "INSTANCES", "KEYS", "KONG_STATUS",
	"LOG_PHASE", "LOG_PLUGINS", "MAX_ABANDONED", "MAX_CONNECTIONS", "MAX_EVENTS", "MAX_FRAME", "MAX_GOROUTINES", "MAX_MEMORY",
	"PROFILING", "RELEASE_PEAK", "RELEASE_REDIS", "RELEASE_STATE",
	"SMOKE_BACKEND_AUTHORIZATION", "SMOKE_BASIC", "SMOKE_KEY", "SMOKE_TOKEN", "SOCKET", "SYSLOG_SOCKET", "WHO",
	"PII_DATASET", // of make test and make eval
}

var (
	// ofConsumers are variables that go on with a consumer's name.
	ofConsumers = regexp.MustCompile(`^SMOKE_(BASIC|KEY|TOKEN)_.`)
	// ofServices are those that Kubernetes sets in each pod for a service called gatehouse, or
	// gatehouse-NAME.
	ofServices = regexp.MustCompile(`^(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_.+)?)$`)
)

// unknownVariables are those of an environment that begin as ours do and that nobody reads,
// each with the one that is likely meant.
func unknownVariables(environ []string) (list []string) {
	for _, pair := range environ {
		full, _, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(full, variablePrefix)
		if !ours || slices.Contains(variables, name) || ofConsumers.MatchString(name) || ofServices.MatchString(name) {
			continue
		}
		if near := spelling.Nearest(name, variables, spelling.AnyNumber); near != "" {
			full += " (" + variablePrefix + near + "?)"
		}
		list = append(list, full)
	}
	slices.Sort(list)
	return list
}

// unreadWords is what is said of variables that nobody reads.
const unreadWords = "variables are not read, since there are none of these names; correct or remove them"

// sayVariables says before a command which variables nobody reads. What serves says so in its log,
// and of what Kong asks for the answer alone is read.
func sayVariables(to io.Writer) func(*cobra.Command, []string) {
	return func(c *cobra.Command, _ []string) {
		if slices.Contains([]string{"serve", "run", "info", "version", "help", "completion"}, c.Name()) || strings.HasPrefix(c.Name(), "__") {
			return
		}
		if unknown := unknownVariables(os.Environ()); len(unknown) > 0 {
			fmt.Fprintf(to, "gatehouse: %s: %s\n", unreadWords, strings.Join(unknown, ", "))
		}
	}
}

// warnOfVariables says which variables nobody reads.
func warnOfVariables(logger *slog.Logger) {
	if unknown := unknownVariables(os.Environ()); len(unknown) > 0 {
		logger.Warn(unreadWords, "variables", strings.Join(unknown, ", "))
	}
}
