// Package refusals is requests that nginx refuses by itself, before Kong has a phase for
// a plugin, byte for byte as they go over a connection.
package refusals

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Refusal is a request.
type Refusal struct {
	Name string
	Raw  string
	// Half says that the request is not whole: the client then hangs up.
	Half bool
}

// MaxBody is the bound, as nginx writes it, that "too large a body" is over.
const MaxBody = "1m"

// head is the end of a request that has nothing else wrong.
const head = "Host: refused.test\r\nConnection: close\r\n\r\n"

// get is a request of a path that no other has, with more headers.
func get(headers string) string { return "GET /refused HTTP/1.1\r\n" + headers + head }

// All are the kinds that there are.
var All = []Refusal{
	{Name: "NUL in a header", Raw: get("X-A: b\x00c\r\n")},
	{Name: "bare CR in a header", Raw: get("X-A: b\rc\r\n")},
	{Name: "space in a header's name", Raw: get("X A: b\r\n")},
	{Name: "headers too large", Raw: get("X-A: " + strings.Repeat("a", 40<<10) + "\r\n")},
	{Name: "no Host", Raw: "GET /refused HTTP/1.1\r\nConnection: close\r\n\r\n"},
	{Name: "two Hosts", Raw: get("Host: other.test\r\n")},
	{Name: "bad Host", Raw: "GET /refused HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n"},
	{Name: "TRACE", Raw: "TRACE /refused HTTP/1.1\r\n" + head},
	{Name: "CONNECT", Raw: "CONNECT refused.test:443 HTTP/1.1\r\n" + head},
	{Name: "bad method", Raw: "g@t /refused HTTP/1.1\r\n" + head},
	{Name: "URI too long", Raw: "GET /refused?" + strings.Repeat("a", 40<<10) + " HTTP/1.1\r\n" + head},
	{Name: "bad percent", Raw: "GET /refused%zz HTTP/1.1\r\n" + head},
	{Name: "NUL in the URI, encoded", Raw: "GET /refused%00 HTTP/1.1\r\n" + head},
	{Name: "NUL in the URI", Raw: "GET /refused\x00 HTTP/1.1\r\n" + head},
	{Name: "control character in the URI", Raw: "GET /refused\x01 HTTP/1.1\r\n" + head},
	{Name: "above the root", Raw: "GET /../../refused HTTP/1.1\r\n" + head},
	{Name: "unknown version", Raw: "GET /refused HTTP/7.0\r\n" + head},
	{Name: "bad version", Raw: "GET /refused HTTQ/1.1\r\n" + head},
	{Name: "unknown transfer coding", Raw: get("Transfer-Encoding: gzip\r\n")},
	{Name: "length and transfer coding", Raw: get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n"},
	{Name: "two lengths", Raw: get("Content-Length: 3\r\nContent-Length: 4\r\n") + "abcd"},
	{Name: "negative length", Raw: get("Content-Length: -1\r\n")},
	{Name: "too large a body", Raw: get("Content-Length: 1048577\r\n")},
	{Name: "TLS", Raw: "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n"},
	{Name: "half a request line", Raw: "GET /refused HT", Half: true},
	{Name: "half a request", Raw: "GET /refused HTTP/1.1\r\nHost: refused.test\r\nX-A: b", Half: true},
}

// timeout bounds one request.
const timeout = 10 * time.Second

// Answer is what came back: nothing where the client hung up.
type Answer struct {
	Status    int
	RequestID string // Kong's, empty where the gateway did not say it
}

// Send sends the request. That the gateway resets the connection is its right, and no
// error.
func (r Refusal) Send(ctx context.Context, addr string) (Answer, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return Answer{}, fmt.Errorf("connect to gateway: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(timeout))
	_, _ = io.WriteString(conn, r.Raw) // who refuses need not read it all
	if r.Half {
		return Answer{}, nil
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return Answer{}, nil
	}
	defer resp.Body.Close()
	return Answer{resp.StatusCode, resp.Header.Get("X-Kong-Request-Id")}, nil
}
