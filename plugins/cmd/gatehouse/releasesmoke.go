package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/release"
	"github.com/gatehousehq/gatehouse/plugins/smoke"
	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
	"github.com/gatehousehq/gatehouse/plugins/smoke/plan"
)

// smokeTries are how often a replica is asked that answers wrongly, a second apart: each of
// its workers takes a config up a moment after it was posted.
const smokeTries = 3

// smoke sends a request through each route of a replica, and is the error of what is wrong
// with the answers.
func (f *fleet) smoke(ctx context.Context, i int) error {
	o := smoke.Options{Config: f.texts[release.After], Gateway: f.proxies[i], Routes: plan.Options{Getenv: os.Getenv}}
	for try := 1; ; try++ {
		report, err := smoke.Run(ctx, o)
		if err == nil {
			err = smoked(report)
		}
		if err == nil || try == smokeTries || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// smoked is the error of answers that are wrong: none, one that failed, or another route's.
// What becomes of traces, and routes for which there is no credential, hold no release up.
func smoked(report smoke.Report) error {
	var lines []string
	for _, route := range report.Routes {
		for _, finding := range route.Findings {
			if finding.Kind == hops.NotAnswered || finding.Kind == hops.OtherRoute {
				lines = append(lines, fmt.Sprintf("route %s: %s", route.Name, finding))
			}
		}
	}
	if len(lines) > 0 {
		return errors.New(strings.Join(lines, "; "))
	}
	return nil
}
