package nginxlog

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 4, 3, 13, 41, 0, time.UTC)

func TestErrorLine(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	l := NewErrorLog(NewSink(&buf), Notice)
	l.now = func() time.Time { return noon }
	l.Log(Info, "not at this level", Context{})
	l.Log(Err, "connect() failed (111: Connection refused) while connecting to upstream", Context{
		Connection: 5, Client: "127.0.0.1", Server: "kong", Request: "GET /x?email=a HTTP/1.1",
		Upstream: "http://127.0.0.1:9101/x?email=a", Host: "localhost:8000", RequestID: "abc",
	})
	l.Log(Warn, strings.Repeat("x", 5000), Context{})
	pid := "#0: "
	first, rest, _ := strings.Cut(buf.String(), "\n")
	head, tail, _ := strings.Cut(first, pid)
	if !strings.HasPrefix(head, "2026/11/04 03:13:41 [error] ") ||
		tail != `*5 connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: kong, `+
			`request: "GET /x?email=a HTTP/1.1", upstream: "http://127.0.0.1:9101/x?email=a", host: "localhost:8000", request_id: "abc"` {
		t.Errorf("line %q", first)
	}
	if len(rest) != maxErrorLine+1 {
		t.Errorf("a long line has %d bytes, want %d", len(rest)-1, maxErrorLine)
	}
}

func TestSyslog(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		options  string
		severity Severity
		want     string
	}{
		{"access", ",nohostname", Info, "<190>Nov  4 03:13:41 nginx: line"},
		{"tag", ",nohostname,tag=kong", Err, "<187>Nov  4 03:13:41 kong: line"},
		{"facility", ",nohostname,facility=user", Warn, "<12>Nov  4 03:13:41 nginx: line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "s")
			reader, err := net.ListenPacket("unixgram", path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = reader.Close() }()
			_ = reader.SetDeadline(time.Now().Add(5 * time.Second))
			s, err := Open("syslog:server=unix:" + path + tt.options + " pii")
			if err != nil {
				t.Fatal(err)
			}
			s.Sink.(*syslog).now = func() time.Time { return noon }
			s.Sink.Line(tt.severity, "line")
			buf := make([]byte, 100)
			n, _, err := reader.ReadFrom(buf)
			if err != nil || string(buf[:n]) != tt.want || s.Format != "pii" {
				t.Errorf("datagram %q, format %q, error %v; want %q", buf[:n], s.Format, err, tt.want)
			}
		})
	}
}

// A reader that is not there loses lines; when it comes back, lines arrive.
func TestSyslogReaderRestarts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	s, err := Open("syslog:server=unix:" + path + ",nohostname")
	if err != nil {
		t.Fatal(err)
	}
	s.Sink.Line(Info, "lost")
	for _, line := range []string{"first", "second"} {
		reader, err := net.ListenPacket("unixgram", path)
		if err != nil {
			t.Fatal(err)
		}
		_ = reader.SetDeadline(time.Now().Add(5 * time.Second))
		s.Sink.Line(Info, line)
		buf := make([]byte, 100)
		n, _, err := reader.ReadFrom(buf)
		if err != nil || !strings.HasSuffix(string(buf[:n]), ": "+line) {
			t.Errorf("datagram %q, error %v", buf[:n], err)
		}
		_ = reader.Close()
		_ = os.Remove(path)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"syslog:nohostname":                     "no syslog server",
		"syslog:server=127.0.0.1:514":           "unix:/path only",
		"syslog:server=unix:/x,facility=nope":   `unknown syslog facility "nope"`,
		"syslog:server=unix:/x,severity=loud":   `log level "loud"`,
		"syslog:server=unix:/x,color=red":       `unknown syslog parameter "color=red"`,
		filepath.Join(t.TempDir(), "no", "dir"): "no such file",
	} {
		if _, err := Open(setting); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", setting, err, want)
		}
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"remote_addr": "127.0.0.1", "request": "GET /\"\x01é HTTP/1.1", "status": "200", "body_bytes_sent": "5",
		"time_local": "04/Nov/2026:03:13:41 +0000", "kong_request_id": "abc"}
	get := func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	tests := []struct{ name, custom, want string }{
		{"", "", `127.0.0.1 - - [04/Nov/2026:03:13:41 +0000] "GET /\x22\x01\xC3\xA9 HTTP/1.1" 200 5 "-" "-" kong_request_id: "abc"`},
		{"combined", "", `127.0.0.1 - - [04/Nov/2026:03:13:41 +0000] "GET /\x22\x01\xC3\xA9 HTTP/1.1" 200 5 "-" "-"`},
		{"j", `j escape=json '{"s":$status,' '"r":"$request","x":"$nope"}'`, `{"s":200,"r":"GET /\"\u0001é HTTP/1.1","x":""}`},
		{"short", `short "${status}_$remote_addr"`, `200_127.0.0.1`},
	}
	for _, tt := range tests {
		f, err := FindFormat(tt.name, tt.custom)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Line(get); got != tt.want {
			t.Errorf("format %q: %s\nwant %s", tt.name, got, tt.want)
		}
	}
	for name, custom := range map[string]string{"x": "", "y": "z '$status'", "q": "q 'open", "e": "e escape=html '$status'"} {
		if _, err := FindFormat(name, custom); err == nil {
			t.Errorf("format %q of %q: no error", name, custom)
		}
	}
}

func FuzzFindFormat(f *testing.F) {
	f.Add("x", `x escape=json '{"s":$status}' "${a}$"`)
	f.Fuzz(func(t *testing.T, name, custom string) {
		format, err := FindFormat(name, custom)
		if err != nil {
			return
		}
		format.Line(func(variable string) (string, bool) { return variable, variable != "" })
	})
}
