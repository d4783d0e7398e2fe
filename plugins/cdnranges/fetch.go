package cdnranges

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// maxReply bounds a list, in bytes: Azure's, the largest, has some 5 MB.
const maxReply = 32 << 20

// Reader gets lists from where they are.
type Reader struct {
	Stdin   io.Reader
	Timeout time.Duration // for a list over HTTP, all of it
}

// Read returns the list at an http or https URL, in a file, or on standard input ("-").
func (r Reader) Read(ctx context.Context, from string) ([]byte, error) {
	switch {
	case from == "-":
		return bounded(r.Stdin)
	case strings.HasPrefix(from, "https://"), strings.HasPrefix(from, "http://"):
		return r.fetch(ctx, from)
	}
	file, err := os.Open(from)
	if err != nil {
		return nil, bare(err)
	}
	defer file.Close()
	return bounded(file)
}

func (r Reader) fetch(ctx context.Context, from string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return nil, bare(err)
	}
	client := http.Client{CheckRedirect: sameHost}
	res, err := client.Do(req)
	if err != nil {
		return nil, r.why(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s: look whether the list has moved", res.Status)
	}
	reply, err := bounded(res.Body)
	return reply, r.why(err)
}

// sameHost lets nobody but the host that was named say who is to be trusted, nor over a
// connection that is less safe.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Host != first.Host || req.URL.Scheme != first.Scheme {
		return fmt.Errorf("it redirects to %s://%s: name that with -from if you trust it", req.URL.Scheme, req.URL.Host)
	}
	if len(via) > 3 {
		return errors.New("it redirects more than 3 times: look whether the list has moved")
	}
	return nil
}

// why is an error in a few words and with a fix.
func (r Reader) why(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("there was no whole answer within %v: try again, or with a longer -timeout", r.Timeout)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the answer is cut short: fetch it again")
	default:
		return bare(err)
	}
}

// bare is an error without the name of what was read, which the caller says.
func bare(err error) error {
	var ofURL *url.Error
	var ofFile *os.PathError
	switch {
	case errors.As(err, &ofURL):
		return ofURL.Err
	case errors.As(err, &ofFile):
		return ofFile.Err
	default:
		return err
	}
}

func bounded(from io.Reader) ([]byte, error) {
	reply, err := io.ReadAll(io.LimitReader(from, maxReply+1))
	if err == nil && len(reply) > maxReply {
		return nil, fmt.Errorf("it has more than %d MiB, which no CDN's list has: look at what it is", maxReply>>20)
	}
	return reply, err
}
