// Package probe asks a server for its health: for containers that hold nothing but
// one program, and for whoever waits until a server is up.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// CheckURL is the error of what is no URL that can be asked.
func CheckURL(text string) error {
	if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is no URL; write one such as http://127.0.0.1:8181/readyz", text)
	}
	return nil
}

// OK returns nil if a GET of a URL is answered by 200 before ctx ends.
func OK(ctx context.Context, at string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return fmt.Errorf("probe %s: %w", at, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("probe %s: %s", at, Why(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("probe %s: %s", at, resp.Status)
	}
	return nil
}

// Why says in words what an error of [http.Client.Do] means of whom it asked.
func Why(err error) string {
	if unknown, ok := errors.AsType[*net.DNSError](err); ok && unknown.IsNotFound {
		return "there is no host " + unknown.Name
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: it is not running, or is elsewhere"
	case errors.Is(err, context.DeadlineExceeded):
		return "it does not answer in time"
	}
	if of, ok := errors.AsType[*url.Error](err); ok {
		return of.Err.Error() // without the URL, which whoever asked knows
	}
	return err.Error()
}
