package nginxlog

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 4, 3, 13, 41, 0, time.UTC)

// sink keeps lines.
type sink []string

func (s *sink) Line(_ Severity, line string) { *s = append(*s, line) }
func (s *sink) Close() error                 { return nil }

func TestErrorLine(t *testing.T) {
	t.Parallel()
	var buf sink
	l := NewErrorLog(&buf)
	l.now = func() time.Time { return noon }
	l.Log(Info, "not at this level", Context{})
	l.Log(Err, "connect() failed (111: Connection refused) while connecting to upstream", Context{
		Connection: 5, Client: "127.0.0.1", Server: "kong", Request: "GET /x?email=a HTTP/1.1",
		Upstream: "http://127.0.0.1:9101/x?email=a", Host: "localhost:8000", RequestID: "abc",
	})
	l.Log(Warn, strings.Repeat("x", 5000), Context{})
	pid := "#0: "
	if len(buf) != 2 {
		t.Fatalf("%d lines, want 2", len(buf))
	}
	first := buf[0]
	head, tail, _ := strings.Cut(first, pid)
	if !strings.HasPrefix(head, "2026/11/04 03:13:41 [error] ") ||
		tail != `*5 connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: kong, `+
			`request: "GET /x?email=a HTTP/1.1", upstream: "http://127.0.0.1:9101/x?email=a", host: "localhost:8000", request_id: "abc"` {
		t.Errorf("line %q", first)
	}
	if len(buf[1]) != maxErrorLine {
		t.Errorf("a long line has %d bytes, want %d", len(buf[1]), maxErrorLine)
	}
}

func TestSyslog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	reader, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	_ = reader.SetDeadline(time.Now().Add(5 * time.Second))
	s, format, err := Open("syslog:server=unix:" + path + ",nohostname pii")
	if err != nil {
		t.Fatal(err)
	}
	s.(*syslog).now = func() time.Time { return noon }
	for severity, want := range map[Severity]string{Info: "<190>Nov  4 03:13:41 nginx: line", Err: "<187>Nov  4 03:13:41 nginx: line"} {
		s.Line(severity, "line")
		buf := make([]byte, 100)
		n, _, err := reader.ReadFrom(buf)
		if err != nil || string(buf[:n]) != want || format != "pii" {
			t.Errorf("datagram %q, format %q, error %v; want %q", buf[:n], format, err, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A reader that is not there loses lines; when it comes back, lines arrive.
func TestSyslogReaderRestarts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	s, _, err := Open("syslog:server=unix:" + path + ",nohostname")
	if err != nil {
		t.Fatal(err)
	}
	s.Line(Info, "lost")
	for _, line := range []string{"first", "second"} {
		reader, err := net.ListenPacket("unixgram", path)
		if err != nil {
			t.Fatal(err)
		}
		_ = reader.SetDeadline(time.Now().Add(5 * time.Second))
		s.Line(Info, line)
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
	for _, setting := range []string{
		"off", "/dev/stdout", "/var/log/access.log", "syslog:nohostname", "syslog:server=127.0.0.1:514,nohostname",
		"syslog:server=unix:/x", "syslog:server=unix:/x,tag=kong,nohostname",
	} {
		_, _, err := Open(setting)
		if err == nil || !strings.Contains(err.Error(), setting) || !strings.Contains(err.Error(), "make up") {
			t.Errorf("%s: error %v", setting, err)
		}
	}
	if _, _, err := Open(""); err != nil {
		t.Errorf("no log: %v", err)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	f, err := FindFormat("x", "# log_format x of long ago;\nlog_format other '$a';\nlog_format x escape=none\n 'v/1'\n '\\n$status' '\\n$request \\'q\\'';\n")
	if err != nil {
		t.Fatal(err)
	}
	got := f.Line(func(name string) string { return "<" + name + ">" })
	if want := "v/1\n<status>\n<request> 'q'"; got != want || !slices.Equal(f.Variables(), []string{"status", "request"}) {
		t.Errorf("%q, variables %q; want %q", got, f.Variables(), want)
	}
	for config, want := range map[string]string{
		"":                              `no log_format "x"`,
		"log_format x escape=none '$a'": `no log_format "x"`,
		"log_format x '$a';":            "escape=none",
		"log_format x escape=json '';":  "escape=none",
		"log_format x escape=none $a;":  "single quotes",
		"log_format x escape=none 'a;":  "single quotes",
	} {
		if _, err := FindFormat("x", config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

func FuzzFindFormat(f *testing.F) {
	f.Add("x", `log_format x escape=none '{"s":$status}' '${a}$';`)
	f.Fuzz(func(t *testing.T, name, config string) {
		format, err := FindFormat(name, config)
		if err != nil {
			return
		}
		seen := 0
		format.Line(func(string) string { seen++; return "" })
		if seen != len(format.Variables()) {
			t.Errorf("%q: %d values for %q", config, seen, format.Variables())
		}
	})
}
