package stack

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/otelenv"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
)

// checkEnvironment says which variables the parts would refuse, a line each: every part has
// them, and each would say so itself.
func (s *Stack) checkEnvironment() error {
	return errors.Join(checkRedisURL(s.RedisURL), otelenv.Check())
}

// checkRedisURL shows the value where no password can be in it.
func checkRedisURL(value string) error {
	if value == "" {
		return nil
	}
	client, err := redisurl.Open(value)
	if err == nil {
		return client.Close()
	}
	shown := fmt.Sprintf("%q", value)
	if strings.Contains(value, "@") || strings.Contains(value, "password") {
		shown = "a value that is not shown, for its password"
	}
	return fmt.Errorf("REDIS_URL is %s: %w", shown, err)
}
