package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gatehousehq/gatehouse/internal/cli"
	"github.com/gatehousehq/gatehouse/internal/pemfile"
	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/kongsecret"
	"github.com/gatehousehq/gatehouse/plugins/smoke"
	"github.com/gatehousehq/gatehouse/plugins/smoke/backend"
)

// smokeAuthorization is the variable that has what a trace backend is to be shown.
const smokeAuthorization = "GATEHOUSE_SMOKE_BACKEND_AUTHORIZATION"

// smoking is what is smoked, as its flags say.
type smoking struct {
	layers
	smoke.Options
	receiver, jaeger, tempo string
	services                []backend.Requests
	backendHeader           http.Header
	ca, cert, key           string
	timeout                 time.Duration
	output                  string
}

func (o *smoking) addFlags(flags *pflag.FlagSet) {
	o.layers.addFlags(flags)
	o.Routes.Header, o.backendHeader = http.Header{}, http.Header{}
	o.Routes.Paths, o.Routes.Methods = map[string]string{}, map[string]string{}
	flags.StringVar(&o.Gateway, "gateway", "", "address of the gateway, such as https://api.example.com")
	flags.Func("header", "`NAME: VALUE` that goes with every request; may be given several times. No secrets: others on this machine see command lines", header(o.Routes.Header))
	flags.Func("path", "`ROUTE=PATH` to ask a route by, as it needs where its paths are regular expressions; may be given several times", pair(o.Routes.Paths))
	flags.Func("method", "`ROUTE=METHOD` to ask a route by, without a body: only where it says so is anything sent but GET, HEAD or OPTIONS; may be given several times", pair(o.Routes.Methods))
	flags.Func("route", "`ROUTE` to ask, and no other; may be given several times", add(&o.Routes.Only))
	flags.Func("skip", "`ROUTE` that is not to be asked; may be given several times", add(&o.Routes.Skip))
	flags.StringVar(&o.jaeger, "jaeger", "", "address of Jaeger's query API, such as http://127.0.0.1:16686")
	flags.StringVar(&o.tempo, "tempo", "", "address of Tempo's API, such as http://127.0.0.1:3200")
	flags.StringVar(&o.receiver, "receiver", "", "address of the trace receiver of make run, such as http://127.0.0.1:4318")
	flags.Func("backend-header", "`NAME: VALUE` that goes to the trace backend; may be given several times. What is secret is in "+smokeAuthorization, header(o.backendHeader))
	flags.Func("service", "`NAME=ADDRESS` of a sample service's control port, which says what it received, such as orders=http://127.0.0.1:9201; may be given several times, for each process", o.addService)
	flags.Func("untraced", "`ADDRESS` that is called, or a service as Kong names it, of which there need be no spans; may be given several times", add(&o.Untraced))
	flags.DurationVar(&o.Wait, "wait", smoke.DefaultWait, "how long spans may take to arrive")
	flags.DurationVar(&o.timeout, "timeout", smoke.DefaultAnswerTimeout, "how long the gateway or a backend may take for each answer")
	flags.StringVar(&o.ca, "ca", "", "PEM `FILE` of the CA of an https gateway; empty: the system's")
	flags.StringVar(&o.cert, "cert", "", "PEM `FILE` of the certificate that an https gateway is shown")
	flags.StringVar(&o.key, "key", "", "PEM `FILE` of its key")
	cli.Output(flags, &o.output, "text", "json")
}

// addService reads a flag of a service, of which there may be several processes.
func (o *smoking) addService(text string) error {
	one := map[string]string{}
	if err := pair(one)(text); err != nil {
		return err
	}
	for name, address := range one {
		if err := backend.Check(address); err != nil {
			return err
		}
		o.services = append(o.services, backend.Requests{Client: backend.Client{Base: address}, Service: name})
	}
	return nil
}

func smokeCommand(s streams) *cobra.Command {
	var o smoking
	c := plain("smoke", "send a trace through each route, and name the hop that loses it", func(ctx context.Context) error { return o.smoke(ctx, s) })
	o.addFlags(c.Flags())
	return c
}

// smoke asks each route of a gateway, and prints what became of each one's trace. It
// ends with 1 if anything is wrong, and with 2 if it could not look.
func (o *smoking) smoke(ctx context.Context, s streams) error {
	report, err := o.run(ctx)
	if cli.IsUsage(err) {
		return err
	}
	if err != nil {
		fmt.Fprintln(s.err, "gatehouse:", err)
		return exitCode(2)
	}
	if err := o.print(s, &report); err != nil {
		return err
	}
	if !report.Good {
		return exitCode(1)
	}
	return nil
}

func (o *smoking) run(ctx context.Context) (report smoke.Report, err error) {
	if o.Gateway == "" {
		return report, cli.Usagef("name the gateway with --gateway")
	}
	if o.Backend, err = o.backend(); err != nil {
		return report, err
	}
	checker, err := newChecker(configcheck.Options{})
	if err != nil {
		return report, err
	}
	merged, err := o.merge(kongsecret.New(checker.Schemas()))
	if err != nil {
		return report, err
	}
	if o.Client, err = o.client(); err != nil {
		return report, fmt.Errorf("read PEM files for the gateway: %w", err)
	}
	o.Config, o.Routes.Getenv = merged.Text, os.Getenv
	return smoke.Run(ctx, o.Options)
}

// client asks the gateway.
func (o *smoking) client() (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.ca != "" {
		pool, err := pemfile.Pool(o.ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	if o.cert != "" || o.key != "" {
		pair, err := pemfile.Pair(o.cert, o.key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return &http.Client{Transport: transport, Timeout: o.timeout}, nil
}

// backend is the one that is named, if one is, and adds the services that are.
func (o *smoking) backend() (found smoke.Backend, err error) {
	client := func(address string) backend.Client {
		return backend.Client{HTTP: &http.Client{Timeout: o.timeout}, Base: address, Header: o.backendHeader}
	}
	if text := os.Getenv(smokeAuthorization); text != "" {
		o.backendHeader.Set("Authorization", text)
	}
	for i := range o.services {
		o.services[i].HTTP = &http.Client{Timeout: o.timeout}
		o.Services = append(o.Services, &o.services[i])
	}
	named := 0
	for flag, address := range map[string]string{"--jaeger": o.jaeger, "--tempo": o.tempo, "--receiver": o.receiver} {
		if address == "" {
			continue
		}
		if named++; named > 1 {
			return nil, cli.Usagef("name one of --jaeger, --tempo and --receiver")
		}
		if err := backend.Check(address); err != nil {
			return nil, cli.Usagef("%s: %w", flag, err)
		}
	}
	switch c := client(cmp.Or(o.jaeger, o.tempo, o.receiver)); {
	case o.jaeger != "":
		return &backend.Jaeger{Client: c}, nil
	case o.tempo != "":
		return &backend.Tempo{Client: c}, nil
	case o.receiver != "":
		return &backend.Receiver{Client: c}, nil
	}
	return nil, nil
}

func (o *smoking) print(s streams, report *smoke.Report) error {
	if o.output == "text" {
		return report.WriteText(s.out)
	}
	encoder := json.NewEncoder(s.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}

// pair reads a flag of NAME=VALUE.
func pair(into map[string]string) func(string) error {
	return func(text string) error {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" || value == "" {
			return errors.New("write it as NAME=VALUE")
		}
		into[name] = value
		return nil
	}
}

// header reads a flag of a header.
func header(into http.Header) func(string) error {
	return func(text string) error {
		name, value, ok := strings.Cut(text, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return errors.New("write it as NAME: VALUE")
		}
		into.Add(name, strings.TrimSpace(value))
		return nil
	}
}
