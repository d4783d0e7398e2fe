// Package backend asks trace backends which spans they have of a trace, and sample services
// what they received. What they answer is not believed to be well-formed.
package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/smoke/hops"
)

const (
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 32 << 20
	// maxTraces bounds how many other traces are looked at.
	maxTraces = 200
)

// ErrNotFound is an answer with the status 404.
var ErrNotFound = errors.New("404 Not Found")

// Client asks one server in JSON.
type Client struct {
	HTTP *http.Client
	// Base is the address that the API's paths are below.
	Base string
	// Header goes with every request, such as a tenant's X-Scope-OrgID.
	Header http.Header
}

// Check is the error of an address that is none.
func Check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is no address: write it as http://127.0.0.1:4318", address)
	}
	return nil
}

func (c *Client) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	address := strings.TrimSuffix(c.Base, "/") + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	for name, values := range c.Header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", req.URL.Redacted(), err)
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", req.URL.Redacted(), ErrNotFound)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s: %.200q", req.URL.Redacted(), resp.Status, text)
	case len(text) > maxAnswer:
		return nil, fmt.Errorf("%s answers more than %d MiB", req.URL.Redacted(), maxAnswer>>20)
	}
	return text, nil
}

// trace asks for a trace and has its spans read. There are none of one that the server does
// not know.
func (c *Client) trace(ctx context.Context, path string, parse func([]byte) ([]hops.Span, error)) ([]hops.Span, error) {
	text, err := c.get(ctx, path, nil)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parse(text)
}

// decode is json.Unmarshal with whose answer it is.
func decode(whose string, text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read the answer of %s: %w", whose, err)
	}
	return nil
}

// all are the spans of the traces that spansOf finds, each once.
func all(ids []string, spansOf func(id string) ([]hops.Span, error)) (spans []hops.Span, err error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for _, id := range ids[:min(len(ids), maxTraces)] {
		more, err := spansOf(id)
		if err != nil {
			return nil, err
		}
		spans = append(spans, more...)
	}
	return spans, nil
}

// hexID is an id as W3C writes it: lower-case, with the zeros at its left that some leave
// out. It is empty if it is none.
func hexID(text string, digits int) string {
	text = strings.ToLower(text)
	if text == "" || len(text) > digits || strings.Trim(text, "0123456789abcdef") != "" {
		return ""
	}
	return strings.Repeat("0", digits-len(text)) + text
}

const (
	traceDigits = 32
	spanDigits  = 16
)

// attribute is a value of JSON as text; ok is false of what is neither text, number nor
// truth value.
func attribute(value any) (text string, ok bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case bool:
		return strconv.FormatBool(value), true
	case json.Number:
		return value.String(), true
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), true
	}
	return "", false
}

// seconds are a time for APIs that count whole ones.
func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
