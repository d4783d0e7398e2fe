package devgateway

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Gzip are the values of KONG_NGINX_PROXY_GZIP and KONG_NGINX_PROXY_GZIP_…, nginx's gzip
// module; empty is nginx's default, which is off.
type Gzip struct{ On, Types, MinLength, Proxied, Vary string }

// compression is what the dev gateway has of that module. The zero value is off.
type compression struct {
	types     []string
	minLength int64 // bytes
}

func parseGzip(s Gzip) (compression, error) {
	switch s.On {
	case "", "off":
		return compression{}, nil
	case "on":
	default:
		return compression{}, fmt.Errorf("KONG_NGINX_PROXY_GZIP=%q is neither on nor off", s.On)
	}
	if s.Proxied != "any" || s.Vary != "on" {
		return compression{}, errors.New("KONG_NGINX_PROXY_GZIP: the dev gateway supports it with KONG_NGINX_PROXY_GZIP_PROXIED=any and KONG_NGINX_PROXY_GZIP_VARY=on only")
	}
	minLength, err := strconv.ParseInt(s.MinLength, 10, 64)
	if err != nil {
		return compression{}, fmt.Errorf("KONG_NGINX_PROXY_GZIP_MIN_LENGTH=%q is no number of bytes", s.MinLength)
	}
	return compression{types: append(strings.Fields(s.Types), "text/html"), minLength: minLength}, nil
}

// compress does what nginx does to an upstream's response (ngx_http_gzip_filter_module.c
// and ngx_http_gzip_ok): h is the header that the client gets.
func (c compression) compress(r *http.Request, res *http.Response, h http.Header) {
	if !c.fits(res) {
		return
	}
	h.Add("Vary", "Accept-Encoding")
	if !r.ProtoAtLeast(1, 1) || !acceptsGzip(r.Header.Get("Accept-Encoding")) {
		return
	}
	h.Set("Content-Encoding", "gzip")
	h.Del("Content-Length")
	h.Del("Accept-Ranges")
	if tag := h.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		h.Set("ETag", "W/"+tag)
	}
	if r.Method != http.MethodHead {
		res.ContentLength = -1
		res.Body = gzipped(res.Body)
	}
}

func (c compression) fits(res *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	status := res.StatusCode
	return slices.Contains(c.types, kind) && res.Header.Get("Content-Encoding") == "" &&
		(status == http.StatusOK || status == http.StatusForbidden || status == http.StatusNotFound) &&
		(res.ContentLength < 0 || res.ContentLength >= c.minLength)
}

// acceptsGzip tells whether gzip is named, and not with a weight of zero.
func acceptsGzip(accept string) bool {
	for item := range strings.SplitSeq(accept, ",") {
		coding, weight, _ := strings.Cut(item, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			q, found := strings.CutPrefix(strings.TrimSpace(weight), "q=")
			n, err := strconv.ParseFloat(q, 64)
			return !found || err == nil && n > 0
		}
	}
	return false
}

// gzipped compresses a body as it comes.
func gzipped(body io.ReadCloser) io.ReadCloser {
	read, write := io.Pipe()
	go func() {
		z := gzip.NewWriter(write)
		_, err := io.Copy(z, body)
		write.CloseWithError(errors.Join(err, z.Close()))
	}()
	return gzipBody{read, body}
}

type gzipBody struct {
	*io.PipeReader
	body io.Closer
}

// Close ends both, whichever is waiting.
func (b gzipBody) Close() error { return errors.Join(b.PipeReader.Close(), b.body.Close()) }
