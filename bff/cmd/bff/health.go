package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/probe"
)

// healthTimeout is within the timeout of a container's health check.
const healthTimeout = 2 * time.Second

// healthCommand is for an image that holds no other program.
func healthCommand() *cobra.Command {
	return &cobra.Command{
		Use: "health URL", Short: "succeed if URL answers 200", ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usagef("name one URL, such as http://127.0.0.1:8181/readyz")
			}
			if err := probe.CheckURL(args[0]); err != nil {
				return cli.Usagef("%w", err)
			}
			return health(c.Context(), args[0])
		},
	}
}

func health(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	return probe.OK(ctx, url)
}
