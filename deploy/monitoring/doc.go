// Package monitoring reads the Prometheus rules and the Grafana dashboards that are shipped,
// so that tests can hold them to what the stack really tells.
package monitoring
