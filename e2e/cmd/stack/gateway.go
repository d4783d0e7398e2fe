package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/gatehousehq/gatehouse/e2e/devcerts"
	"github.com/gatehousehq/gatehouse/e2e/devgateway"
	"github.com/gatehousehq/gatehouse/e2e/stack"
	"github.com/gatehousehq/gatehouse/internal/cli"
)

func gatewayCommand() *cobra.Command {
	query, certs, issuers := "gatehouse", "", ""
	c := command("gateway", "run the dev gateway alone", cli.NoArguments, func(ctx context.Context, _ []string) error { return runGateway(ctx, query, certs, issuers) })
	c.Flags().StringVar(&query, "query", query, "the `PROGRAM` whose info PLUGIN describes a plugin")
	c.Flags().StringVar(&certs, "certs", "", "a `FOLDER` of certificates, which a posted config gets that has none")
	c.Flags().StringVar(&issuers, "issuers", "", "an overlay `FILE` with keys of issuers, which such a config gets too")
	return c
}

// runGateway runs the dev gateway with Kong's own environment variables. With a folder of
// certificates, configs that are posted to it run on the stack that has them.
func runGateway(ctx context.Context, query, certs, issuers string) error {
	ports, err := stack.DefaultPorts(os.LookupEnv)
	if err != nil {
		return err
	}
	var posted func([]byte) ([]byte, error)
	if certs != "" {
		posted = stack.Posted{Certs: devcerts.Dir(certs), Issuers: issuers, Ports: ports}.Config
	}
	gateway, err := devgateway.New(devgateway.Options{
		ConfigFile:   kongConfig(),
		ProxyAddr:    ports.Proxy.Addr(),
		ProxyTLSAddr: ports.ProxyTLS.Addr(),
		CertFile:     os.Getenv("KONG_SSL_CERT"),
		KeyFile:      os.Getenv("KONG_SSL_CERT_KEY"),
		AdminAddr:    ports.Admin.Addr(),
		Posted:       posted,
		StatusAddr:   ports.Status.Addr(),
		PluginSocket: os.Getenv("GATEHOUSE_SOCKET"),
		PluginInfo:   func(name string) ([]byte, error) { return stack.PluginInfo(ctx, query, name) },
		HostsFile:    os.Getenv("KONG_DNS_HOSTSFILE"),
		AccessLog:    os.Getenv("KONG_PROXY_ACCESS_LOG"),
		ErrorLog:     os.Getenv("KONG_PROXY_ERROR_LOG"),
		NginxInclude: os.Getenv("KONG_NGINX_HTTP_INCLUDE"),

		ErrorTemplate: os.Getenv("KONG_ERROR_TEMPLATE_JSON"),
		AddHeader:     os.Getenv("KONG_NGINX_PROXY_ADD_HEADER"),
		HideHeader:    os.Getenv("KONG_NGINX_PROXY_PROXY_HIDE_HEADER"),

		Gzip: devgateway.Gzip{
			On:        os.Getenv("KONG_NGINX_PROXY_GZIP"),
			Types:     os.Getenv("KONG_NGINX_PROXY_GZIP_TYPES"),
			MinLength: os.Getenv("KONG_NGINX_PROXY_GZIP_MIN_LENGTH"),
			Proxied:   os.Getenv("KONG_NGINX_PROXY_GZIP_PROXIED"),
			Vary:      os.Getenv("KONG_NGINX_PROXY_GZIP_VARY"),
		},

		TrustedIPs:      os.Getenv("KONG_TRUSTED_IPS"),
		RealIPHeader:    os.Getenv("KONG_REAL_IP_HEADER"),
		RealIPRecursive: os.Getenv("KONG_REAL_IP_RECURSIVE"),
	})
	if err != nil {
		return err
	}
	return gateway.Run(ctx)
}
