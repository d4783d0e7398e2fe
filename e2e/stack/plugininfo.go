package stack

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// queryTimeout bounds a plugin's query command.
const queryTimeout = 10 * time.Second

// PluginInfo runs a plugin's query command, as Kong does when it starts. What the program
// says of a plugin that it does not have is the error.
func PluginInfo(ctx context.Context, program, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "info", name).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if said := strings.TrimSpace(string(exit.Stderr)); said != "" {
			return nil, errors.New(complaint(said))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s info %s: %w", program, name, err)
	}
	return out, nil
}

// complaint is what a program says, without its name, and without its help, which is not for
// who wrote a config.
func complaint(said string) string {
	said = strings.TrimPrefix(strings.TrimPrefix(said, "gatehouse info: "), "gatehouse: ")
	return strings.TrimSuffix(said, "; see gatehouse info --help")
}
