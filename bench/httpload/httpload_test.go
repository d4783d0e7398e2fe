package httpload

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

// TestOnce reads answers one after the other from one connection: each must be read whole,
// and no byte beyond it.
func TestOnce(t *testing.T) {
	t.Parallel()
	answers := []struct {
		text   string
		status int
		open   bool
	}{
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 200, true},
		{"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 404, true},
		{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", 503, false},
	}
	var all strings.Builder
	for _, a := range answers {
		all.WriteString(a.text)
	}
	client, server := net.Pipe()
	t.Cleanup(func() { _ = client.Close() })
	go func() { _, _ = io.Copy(io.Discard, server) }()
	in := bufio.NewReader(strings.NewReader(all.String()))
	for _, a := range answers {
		status, open, err := once(client, in, New("", "/").Request)
		if err != nil || status != a.status || open != a.open {
			t.Errorf("%q: status %d, open %v, %v", a.text, status, open, err)
		}
	}
	if rest, _ := io.ReadAll(in); len(rest) != 0 {
		t.Errorf("%q is left", rest)
	}
}

func TestOnceWantsAnEnd(t *testing.T) {
	t.Parallel()
	client, server := net.Pipe()
	t.Cleanup(func() { _ = client.Close() })
	go func() { _, _ = io.Copy(io.Discard, server) }()
	in := bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\n\r\nok"))
	if _, _, err := once(client, in, New("", "/").Request); err == nil {
		t.Error("no error for an answer without a length")
	}
}

// Requests in turn: clients share them out, and all of them come round.
func TestRequestsInTurn(t *testing.T) {
	t.Parallel()
	l := Load{Clients: 2, Requests: [][]byte{[]byte("a"), []byte("b"), []byte("c")}}
	for client, want := range []string{"acb", "bac"} {
		var sent string
		for n := client; len(sent) < len(want); n += l.Clients {
			sent += string(l.request(n))
		}
		if sent != want {
			t.Errorf("client %d sends %s, not %s", client, sent, want)
		}
	}
	if got := (Load{Request: []byte("r"), Clients: 1}).request(7); string(got) != "r" {
		t.Errorf("without Requests %q is sent", got)
	}
}
