// Package openapi holds the contracts of the BFFs and of the services behind
// them (OpenAPI 3.0.3), and beside each the Go client and server that ogen
// generates from it. A response that leaves its contract fails to decode in the
// generated client, which is what the tests of bff and e2e/services rely on.
package openapi

//go:generate go tool -modfile=../../tools/go.mod ogen --clean --package webapi --target webapi web.yaml
//go:generate go tool -modfile=../../tools/go.mod ogen --clean --package mobileapi --target mobileapi mobile.yaml
//go:generate go tool -modfile=../../tools/go.mod ogen --clean --package ordersapi --target ordersapi orders.yaml
//go:generate go tool -modfile=../../tools/go.mod ogen --clean --package usersapi --target usersapi users.yaml
//go:generate go tool -modfile=../../tools/go.mod ogen --clean --package billingapi --target billingapi billing.yaml
//go:generate go tool -modfile=../../tools/go.mod ogen --clean --package notificationsapi --target notificationsapi notifications.yaml
