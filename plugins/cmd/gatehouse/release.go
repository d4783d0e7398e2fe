package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // peak hours are in a zone of the operator's, whatever the machine has

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/plugins/kongadmin"
	"github.com/gatehousehq/gatehouse/plugins/release"
	"github.com/gatehousehq/gatehouse/plugins/release/releasefiles"
)

// releaseCommand is about releases of configs.
func releaseCommand(s streams) *cobra.Command {
	return cli.Group("release", "put a config on a few nodes first, watch it, and take it back where it does worse",
		releasePlanCommand(s), releaseApplyCommand(s), releaseRollbackCommand(s), releaseStatusCommand(s))
}

// releasing is what a release is done with.
type releasing struct {
	publishing
	state   string
	metrics []string
	proxies []string
	canary  int
	bake    time.Duration
	later   time.Duration
	enough  int
	peaks   []release.Peak
	force   string
}

// addFlags defines the flags of all commands about releases.
func (r *releasing) addFlags(flags *pflag.FlagSet) {
	r.publishing.addFlags(flags)
	flags.Lookup("admin-timeout").DefValue = "10s"
	r.timeout = 10 * time.Second
	flags.StringVar(&r.state, "state", cmp.Or(os.Getenv("GATEHOUSE_RELEASE_STATE"), ".gatehouse/releases"),
		"`FOLDER` of what releases leave: the configs, the record, and the state of one that did not finish (GATEHOUSE_RELEASE_STATE)")
}

// addApplyFlags defines those that say how a config is put on nodes.
func (r *releasing) addApplyFlags(flags *pflag.FlagSet) {
	flags.Func("metrics", "`ADDRESS` of the plugin server's metrics beside a node, {host} for the node's; once for all, or once for each --node in their order (default http://{host}:9542/metrics)", add(&r.metrics))
	flags.Func("proxy", "`ADDRESS` of a node's proxy, likewise, to which gatehouse smoke sends a request through each route before a wave is watched; without it none are sent", add(&r.proxies))
	flags.IntVar(&r.canary, "canary", 1, "replicas that get the config first")
	flags.DurationVar(&r.bake, "bake", 2*time.Minute, "how long they are watched before the others get it")
	flags.DurationVar(&r.later, "wave-bake", 30*time.Second, "how long each later wave is watched; each has twice as many replicas as the one before it")
	flags.IntVar(&r.enough, "enough", 50, "requests of a route, or of all, below which nothing is compared")
	flags.Func("peak", "`HOURS` in which nothing is released but credentials, such as \"Mon-Fri 08:00-20:00 Europe/Berlin\"; may be given several times (GATEHOUSE_RELEASE_PEAK, separated by ;)", r.addPeak)
	flags.StringVar(&r.force, "force", "", "why this is released in peak hours all the same")
}

func (r *releasing) addPeak(text string) error {
	p, err := release.ParsePeak(strings.TrimSpace(text))
	if err == nil {
		r.peaks = append(r.peaks, p)
	}
	return err
}

// check is the error of what flags cannot say by themselves.
func (r *releasing) check() error {
	if text := os.Getenv("GATEHOUSE_RELEASE_PEAK"); text != "" && len(r.peaks) == 0 {
		for _, one := range strings.Split(text, ";") {
			if err := r.addPeak(one); err != nil {
				return fmt.Errorf("GATEHOUSE_RELEASE_PEAK: %w", err)
			}
		}
	}
	r.lock.url = cmp.Or(r.lock.url, os.Getenv("REDIS_URL"))
	switch {
	case r.lock.url == "":
		return cli.Usagef("name the Redis of the lock with --lock-redis, GATEHOUSE_RELEASE_REDIS or REDIS_URL: without it two releases could run at once")
	case r.canary < 1:
		return cli.Usagef("--canary %d: write a number of replicas from 1", r.canary)
	case r.bake < 0 || r.later < 0:
		return cli.Usagef("--bake and --wave-bake: write a time such as 2m")
	case r.enough < 1:
		return cli.Usagef("--enough %d: write a number of requests from 1", r.enough)
	case r.timeout <= 0:
		return cli.Usagef("--admin-timeout %v: write a time such as 10s", r.timeout)
	}
	return nil
}

// takes is how long a release is watched at most.
func (r *releasing) takes(s release.State) time.Duration {
	return r.bake + time.Duration(len(s.Waves)-1)*r.later
}

// atPeak is the error of a release that would be made in peak hours.
func (r *releasing) atPeak(now time.Time, takes time.Duration) error {
	for _, p := range r.peaks {
		if p.During(now, takes) && r.force == "" {
			return fmt.Errorf("nothing was released: it takes up to %v, and peak hours are %s: release then, or say why with --force REASON", takes, p)
		}
	}
	return nil
}

// addresses are those of something beside each node: {host} stands for the node's.
func addresses(nodes []*kongadmin.Node, given []string, flag string) ([]string, error) {
	if len(given) != 1 && len(given) != len(nodes) {
		return nil, cli.Usagef("--%s is given %d times for %d nodes: write it once with {host}, or once for each", flag, len(given), len(nodes))
	}
	list := make([]string, len(nodes))
	for i, n := range nodes {
		u, err := url.Parse(n.String())
		if err != nil {
			return nil, err
		}
		host := u.Hostname()
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		list[i] = strings.ReplaceAll(given[min(i, len(given)-1)], "{host}", host)
		if u, err := url.Parse(list[i]); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, cli.Usagef("--%s %q: write an address such as http://{host}:9542/metrics", flag, given[min(i, len(given)-1)])
		}
	}
	return list, nil
}

// metricsClient asks plugin servers.
var metricsClient = &http.Client{Timeout: 5 * time.Second}

// opened is what the commands have open.
type opened struct {
	folder releasefiles.Folder
	nodes  []*kongadmin.Node
}

func (r *releasing) opened(ctx context.Context) (o opened, err error) {
	if o.nodes, err = r.open(ctx); err != nil {
		return o, err
	}
	seen := map[string]bool{}
	for _, n := range o.nodes {
		if seen[n.String()] {
			return o, cli.Usagef("--node %s is given twice", n)
		}
		seen[n.String()] = true
	}
	o.folder, err = releasefiles.Open(r.state)
	return o, err
}

// running asks every node what it runs, and is an error where one does not say.
func (o opened) running(ctx context.Context) ([]string, error) {
	hashes := make([]string, len(o.nodes))
	var errs []error
	for i, n := range o.nodes {
		var err error
		if hashes[i], err = n.Running(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", n, err))
		}
	}
	return hashes, errors.Join(errs...)
}
