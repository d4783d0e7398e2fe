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
			return nil, errors.New(strings.TrimPrefix(said, "gatehouse: "))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s info %s: %w", program, name, err)
	}
	return out, nil
}
