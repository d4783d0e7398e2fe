package nginxlog

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		want     message
	}{
		{"access", "<190>Nov 24 03:13:41 nginx: GET / 200", message{
			Facility: 23, Severity: 6, Time: time.Date(0, 11, 24, 3, 13, 41, 0, time.UTC), Tag: []byte("nginx"), Text: []byte("GET / 200"),
		}},
		{"error, day of one digit", "<187>Nov  4 03:13:41 kong: a: b", message{
			Facility: 23, Severity: 3, Time: time.Date(0, 11, 4, 3, 13, 41, 0, time.UTC), Tag: []byte("kong"), Text: []byte("a: b"),
		}},
		{"empty text", "<0>Jan  1 00:00:00 x: ", message{
			Time: time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), Tag: []byte("x"), Text: []byte{},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseSyslog([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
	for _, in := range []string{
		"", "<", "<>", "<190>", "GET / 200", "<190>Nov 24 03:13:41", "<190>Nov 24 03:13:41 nginx", "<192>Nov 24 03:13:41 nginx: x",
		"<1a>Nov 24 03:13:41 nginx: x", "<190>Nov 32 03:13:41 nginx: x", "<190>Nov 24 03:13:41 host nginx: x", "<190>Nov 24 03:13:41 : x",
	} {
		if m, err := parseSyslog([]byte(in)); !errors.Is(err, errNotSyslog) {
			t.Errorf("parseSyslog(%q) = %v, %v", in, m, err)
		}
	}
}

func TestParseError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		want     errorLine
	}{
		{
			name: "upstream",
			in: `2025/11/24 03:13:41 [error] 71#0: *5 connect() failed (111: Connection refused), client: 192.0.2.1, server: kong, ` +
				`request: "GET /x, host: y HTTP/1.1", upstream: "http://10.0.0.1:80/x", host: "api", request_id: "6b3f"`,
			want: errorLine{
				Time: time.Date(2025, 11, 24, 3, 13, 41, 0, time.UTC), Level: "error", PID: 71, Conn: 5,
				Message: []byte("connect() failed (111: Connection refused)"),
				Fields: []errorField{
					{Name: []byte("client"), Value: []byte("192.0.2.1")}, {Name: []byte("server"), Value: []byte("kong")},
					{Name: []byte("request"), Value: []byte("GET /x, host: y HTTP/1.1")}, {Name: []byte("upstream"), Value: []byte("http://10.0.0.1:80/x")},
					{Name: []byte("host"), Value: []byte("api")}, {Name: []byte("request_id"), Value: []byte("6b3f")},
				},
			},
		},
		{
			name: "no connection",
			in:   "2025/11/24 03:13:41 [notice] 1#0: signal 3 (SIGQUIT) received, shutting down",
			want: errorLine{
				Time: time.Date(2025, 11, 24, 3, 13, 41, 0, time.UTC), Level: "notice", PID: 1,
				Message: []byte("signal 3 (SIGQUIT) received, shutting down"),
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := parseError([]byte(tt.in), time.UTC)
			if !ok {
				t.Fatal("is no error line")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
	for _, in := range []string{
		"", "2025/11/24 03:13:41", "2025/11/24 03:13:41 [loud] 1#0: x", "2025/11/24 03:13:41 [error] x: y",
		"2025/11/24 03:13:41 [error] a#0: y", "2025-11-24 03:13:41 [error] 1#0: y", "2025/11/24 03:13:41 error 1#0: y",
	} {
		if got, ok := parseError([]byte(in), time.UTC); ok {
			t.Errorf("parseError(%q) = %v", in, got)
		}
	}
}
