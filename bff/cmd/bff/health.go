package main

import (
	"context"
	"time"

	"github.com/gatehousehq/gatehouse/internal/probe"
)

// healthTimeout is within the timeout of a container's health check.
const healthTimeout = 2 * time.Second

// health is `bff health URL`, for an image that holds no other program.
func health(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	return probe.OK(ctx, url)
}
