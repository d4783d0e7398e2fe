package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/release/releaselock"
)

// postingLock is the lock that all take who put configs on the nodes of one gateway.
type postingLock struct {
	url, gateway, who string
}

func (p *postingLock) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&p.url, "lock-redis", os.Getenv("GATEHOUSE_RELEASE_REDIS"),
		"the Redis in which whoever puts configs on nodes takes turns; empty: this machine's processes alone do (GATEHOUSE_RELEASE_REDIS)")
	flags.StringVar(&p.gateway, "gateway", cmp.Or(os.Getenv("GATEHOUSE_GATEWAY"), "default"),
		"name of the gateway that the nodes are replicas of, for the lock (GATEHOUSE_GATEWAY)")
	flags.StringVar(&p.who, "who", cmp.Or(os.Getenv("GATEHOUSE_WHO"), currentUser()), "who does this, for the record and for those who find the lock taken (GATEHOUSE_WHO)")
}

// currentUser is the name of who runs this, as the system has it.
func currentUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// lockTTL is how long the lock outlives a process that was killed: longer than it takes to
// post to a node and to ask what it runs.
func lockTTL(timeout time.Duration) time.Duration { return max(30*time.Second, 6*timeout) }

// heldLock is the lock with the client that it needs.
type heldLock struct {
	*releaselock.Lock
	client  redis.UniversalClient
	options releaselock.Options
}

// take waits for the lock. An unfinished release of another one's is an error.
func (p *postingLock) take(ctx context.Context, s streams, timeout, wait time.Duration) (*heldLock, error) {
	client, err := redisurl.Open(p.url)
	if err != nil {
		return nil, fmt.Errorf("--lock-redis: %w", err)
	}
	held := &heldLock{client: client, options: releaselock.Options{Gateway: p.gateway, Who: p.who + " on " + hostname(), TTL: lockTTL(timeout)}}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	held.Lock, err = releaselock.Take(waiting, client, held.options, func(t *releaselock.Taken) {
		fmt.Fprintf(s.err, "gatehouse: %v: this waits for up to %v\n", t, wait)
	})
	if err != nil {
		var taken *releaselock.Taken
		if errors.As(err, &taken) {
			err = fmt.Errorf("no node was asked: %w: try again when that is done, or after that time if its process was killed", err)
		}
		return nil, errors.Join(err, client.Close())
	}
	return held, nil
}

func (h *heldLock) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	return errors.Join(h.Release(ctx), h.client.Close())
}

// free is the error of a release that did not finish: who posts now would be overwritten
// when it is taken back.
func (h *heldLock) free(ctx context.Context) error {
	open, err := h.Unfinished(ctx)
	if err == nil && open != nil {
		err = fmt.Errorf("no node was asked: release %s of %s on %s has not finished since %s: run gatehouse release rollback there, with --state %s, or here with --abandon if that machine is gone",
			open.ID, open.Who, open.Host, open.Since.Format(time.RFC3339), open.State)
	}
	return err
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}
