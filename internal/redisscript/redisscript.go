// Package redisscript runs one script of a Redis many times in one round trip.
package redisscript

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Run is one run of a script.
type Run struct {
	Keys []string
	Args []any
}

// Pipeline makes the runs in one pipeline, and again with the script's text where a
// server does not have it. It says which runs were not made, or may not have been: of one
// whose answer is lost nobody knows.
func Pipeline(ctx context.Context, client redis.UniversalClient, script *redis.Script, runs []*Run) (undone []*Run, err error) {
	undone, unknown, err := pipe(ctx, client, runs, script.EvalSha)
	if len(unknown) == 0 {
		return undone, err
	}
	more, _, again := pipe(ctx, client, unknown, script.Eval)
	return append(undone, more...), errors.Join(err, again)
}

type eval func(ctx context.Context, c redis.Scripter, keys []string, args ...any) *redis.Cmd

// pipe returns the runs that failed, those of them that failed for a script that the
// server does not have, and why the first of the others did.
func pipe(ctx context.Context, client redis.UniversalClient, runs []*Run, by eval) (undone, unknown []*Run, err error) {
	p := client.Pipeline()
	cmds := make([]*redis.Cmd, len(runs))
	for i, r := range runs {
		cmds[i] = by(ctx, p, r.Keys, r.Args...)
	}
	_, _ = p.Exec(ctx) // each command has its error
	for i, cmd := range cmds {
		switch failed := cmd.Err(); {
		case failed == nil:
		case redis.HasErrorPrefix(failed, "NOSCRIPT"):
			unknown = append(unknown, runs[i])
		default:
			undone = append(undone, runs[i])
			if err == nil {
				err = failed
			}
		}
	}
	return undone, unknown, err
}
