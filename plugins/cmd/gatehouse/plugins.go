package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/plugins/apiversion"
	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/onehop"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/traceinject"
)

// plugins are all of ours, with what lives as long as the process: Redis
// connections, the trace exporter, metrics.
type plugins struct {
	limiter  *tenantratelimit.Runtime
	scrubber *piilogscrub.Runtime
	sunset   *sunsetheaders.Runtime
	versions *apiversion.Runtime
	tracer   *traceinject.Runtime
	onehop   *onehop.Runtime
	// accessLines says that the one-hop plugin needs no log event.
	accessLines bool
	// logPlugins says that log plugins of Kong's are enabled.
	logPlugins bool
}

// newPlugins reaches out to nothing yet: a Redis or a collector that is down stops
// no gateway from starting. audit gets the audit records, and is the caller's to close.
// redisURL is what configs use that name no Redis of their own.
func newPlugins(redisURL string, logger *slog.Logger, registry prometheus.Registerer, audit slog.Handler) (*plugins, error) {
	var p plugins
	var err error
	if p.accessLines, err = accessLines(os.Getenv); err != nil {
		return nil, err
	}
	if p.logPlugins, err = logPlugins(os.Getenv); err != nil {
		return nil, err
	}
	p.limiter, err = tenantratelimit.NewRuntime(tenantratelimit.Options{
		RedisURL: redisURL, Registerer: registry, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	p.scrubber, err = piilogscrub.NewRuntime(piilogscrub.Options{
		Registerer: registry, Logger: logger, Audit: audit,
	})
	if err != nil {
		return nil, err
	}
	p.sunset, err = sunsetheaders.NewRuntime(sunsetheaders.Options{RedisURL: redisURL, Registerer: registry, Logger: logger})
	if err != nil {
		return nil, err
	}
	p.versions, err = apiversion.NewRuntime(apiversion.Options{Registerer: registry, Logger: logger})
	if err != nil {
		return nil, err
	}
	if p.tracer, err = newTracer(p.scrubber, logger, registry, !p.logPlugins); err != nil {
		return nil, err
	}
	_, declared := declaredConfig(streams{err: io.Discard}) // the parent process has said what is wrong
	p.onehop, err = onehop.NewRuntime(onehop.Options{
		Scrubber: p.scrubber, Tracer: p.tracer, Limiter: p.limiter, Sunset: p.sunset, Versions: p.versions, AccessLines: p.accessLines, AuditsAll: auditDeclared(declared),
		Registerer: registry, Logger: logger, NoLogPlugins: !p.logPlugins,
	})
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// offlinePlugins are for looking at schemas and configs: nothing is served or sent.
func offlinePlugins() (*plugins, error) {
	quiet := slog.New(slog.DiscardHandler)
	quietLibraries(quiet)
	return newPlugins(os.Getenv("REDIS_URL"), quiet, nil, slog.DiscardHandler)
}

// list is what the plugin server serves. A limiter that fails is closed: a request
// which it let through would carry whatever identity its client wrote. The others fail
// open, and the scrubber drops what it could not scrub.
func (p *plugins) list() []pluginserver.Plugin {
	list := []pluginserver.Plugin{
		{Name: piilogscrub.Name, Version: piilogscrub.Version, Priority: piilogscrub.Priority, New: p.scrubber.New, Phases: p.scrubPhases(), FailOpen: true},
		{Name: traceinject.Name, Version: traceinject.Version, Priority: traceinject.Priority, New: p.tracer.New, FailOpen: true},
		{Name: tenantratelimit.Name, Version: tenantratelimit.Version, Priority: tenantratelimit.Priority, New: p.limiter.New},
		{Name: sunsetheaders.Name, Version: sunsetheaders.Version, Priority: sunsetheaders.Priority, New: p.sunset.New, FailOpen: true},
		{Name: apiversion.Name, Version: apiversion.Version, Priority: apiversion.Priority, New: p.versions.New, FailOpen: true},
		{Name: onehop.Name, Version: onehop.Version, Priority: onehop.Priority, New: p.onehop.New, Phases: p.onehop.Phases(), FailOpen: true},
	}
	for i := range list {
		list[i].Deadline, list[i].LogDeadline = pluginserver.DefaultDeadline, pluginserver.DefaultLogDeadline
	}
	return list
}

// ended has the plugins know of a request that is over, by its access line.
func (p *plugins) ended(line *kongrecord.Record) {
	if p.accessLines && p.onehop.Ended(line) {
		return
	}
	p.scrubber.Ended(line)
}

// giveUp ends the wait for what does not come any more.
func (p *plugins) giveUp() {
	p.onehop.GiveUp()
	p.scrubber.GiveUp()
}

// endCalls writes the audit records of the calls that end with this process.
func (p *plugins) endCalls(ctx context.Context) error {
	return errors.Join(p.onehop.Close(ctx), p.scrubber.Close())
}

// close flushes and ends what else the plugins hold, for as long as ctx allows.
func (p *plugins) close(ctx context.Context) error {
	return errors.Join(p.tracer.Close(ctx), p.sunset.Close(ctx), p.versions.Close(ctx), p.limiter.Close(ctx))
}
