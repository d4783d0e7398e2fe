// Package kongwatch tells Prometheus what Kong OSS tells only those who ask it: which
// configuration a node runs, and until when the certificate is valid that clients see. It
// asks when the metrics are read, and a request costs nothing for it.
package kongwatch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/internal/throttle"
)

// timeout bounds each question: Kong is on the same machine, and a scrape ends after 10 s.
const timeout = 2 * time.Second

// maxStatus is how much of an answer is read, in bytes. Kong's has less than 10 kB.
const maxStatus = 1 << 20

// Options say whom to ask. What is empty is not asked.
type Options struct {
	// StatusURL is GET /status of Kong's Status API, or of its Admin API:
	// http://127.0.0.1:8100/status. Its configuration_hash is of DB-less nodes only.
	StatusURL string
	// EdgeAddr is a TLS listener of Kong's, host:port, and ServerNames are the names that
	// clients ask it for; "" is the certificate of those that name none. Default: only that.
	EdgeAddr    string
	ServerNames []string
	// Logger is told why an answer is missing, at most once a second. Default: discarded.
	Logger *slog.Logger
}

// Validate returns an error for each option that cannot be used.
func (o *Options) Validate() error {
	if o.StatusURL != "" {
		u, err := url.Parse(o.StatusURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("kong-status (GATEHOUSE_KONG_STATUS) %q is no URL; write http://127.0.0.1:8100/status", o.StatusURL)
		}
	}
	if o.EdgeAddr != "" {
		if _, port, err := net.SplitHostPort(o.EdgeAddr); err != nil || port == "" {
			return fmt.Errorf("edge-tls (GATEHOUSE_EDGE_TLS) %q is no host and port; write 127.0.0.1:8443", o.EdgeAddr)
		}
	}
	return nil
}

var (
	configuration = prometheus.NewDesc("gatehouse_kong_configuration_info",
		"1, with the hash of the declarative configuration that this Kong runs.", []string{"hash"}, nil)
	edgeNotAfter = prometheus.NewDesc("gatehouse_edge_certificate_not_after_timestamp_seconds",
		"When the certificate expires that this Kong shows to clients, by the server name that they ask for.", []string{"server_name"}, nil)
	edgeNotBefore = prometheus.NewDesc("gatehouse_edge_certificate_not_before_timestamp_seconds",
		"When that certificate began to be valid: with its end, how long its life is.", []string{"server_name"}, nil)
	failed = prometheus.NewDesc("gatehouse_kong_watch_failed",
		"1 while this Kong does not tell its status, or shows no certificate.", []string{"question"}, nil)
)

// Collector asks one Kong.
type Collector struct {
	options Options
	client  *http.Client
	said    throttle.Throttle
}

var _ prometheus.Collector = (*Collector)(nil)

// New makes a collector.
func New(o Options) *Collector {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if len(o.ServerNames) == 0 {
		o.ServerNames = []string{""}
	}
	return &Collector{options: o, client: &http.Client{Timeout: timeout}}
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(descs chan<- *prometheus.Desc) {
	descs <- configuration
	descs <- edgeNotAfter
	descs <- edgeNotBefore
	descs <- failed
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var asked sync.WaitGroup
	if c.options.StatusURL != "" {
		asked.Go(func() { c.collectStatus(ctx, metrics) })
	}
	if c.options.EdgeAddr != "" {
		asked.Go(func() { c.collectEdge(ctx, metrics) })
	}
	asked.Wait()
}

func gauge(metrics chan<- prometheus.Metric, desc *prometheus.Desc, value float64, label string) {
	metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, label)
}

// answered tells whether a question was, and logs why not.
func (c *Collector) answered(metrics chan<- prometheus.Metric, question string, err error) {
	value := 0.0
	if err != nil {
		value = 1
		if held, ok := c.said.Allow(time.Now()); ok {
			c.options.Logger.Warn("Kong does not tell what it was asked for metrics", "question", question, "error", err, "suppressed", held)
		}
	}
	gauge(metrics, failed, value, question)
}

func (c *Collector) collectStatus(ctx context.Context, metrics chan<- prometheus.Metric) {
	hash, err := c.configurationHash(ctx)
	if err == nil {
		gauge(metrics, configuration, 1, hash)
	}
	c.answered(metrics, "configuration", err)
}

func (c *Collector) configurationHash(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.options.StatusURL, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GET %s: %s", c.options.StatusURL, resp.Status)
	}
	var status struct {
		Hash string `json:"configuration_hash"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxStatus)).Decode(&status); err != nil {
		return "", fmt.Errorf("GET %s: %w", c.options.StatusURL, err)
	}
	if status.Hash == "" {
		return "", fmt.Errorf("GET %s: there is no configuration_hash, which only a DB-less Kong has", c.options.StatusURL)
	}
	return status.Hash, nil
}

func (c *Collector) collectEdge(ctx context.Context, metrics chan<- prometheus.Metric) {
	var first error
	for _, name := range c.options.ServerNames {
		leaf, err := shown(ctx, c.options.EdgeAddr, name)
		if err == nil {
			gauge(metrics, edgeNotAfter, float64(leaf.NotAfter.Unix()), name)
			gauge(metrics, edgeNotBefore, float64(leaf.NotBefore.Unix()), name)
		} else if first == nil {
			first = fmt.Errorf("certificate of %q at %s: %w", name, c.options.EdgeAddr, err)
		}
	}
	c.answered(metrics, "certificate", first)
}

// shown is the certificate that a client sees. Nobody is believed by it, so that one that
// has expired or is not for the name is told of too. The handshake may fail after it, as
// where clients need a certificate of their own.
func shown(ctx context.Context, addr, name string) (leaf *x509.Certificate, err error) {
	dialer := tls.Dialer{Config: &tls.Config{
		ServerName: name, InsecureSkipVerify: true,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) (err error) {
			leaf, err = x509.ParseCertificate(raw[0])
			return err
		},
	}}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err == nil {
		_ = conn.Close() // nothing was sent
	}
	if leaf != nil {
		return leaf, nil
	}
	return nil, err
}
