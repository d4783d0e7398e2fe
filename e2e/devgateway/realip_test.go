package devgateway

import (
	"net/http"
	"strings"
	"testing"
)

func TestRealIP(t *testing.T) {
	t.Parallel()
	const nets = "10.0.0.0/8, 192.0.2.1,2001:db8::/32"
	tests := []struct {
		name, peer, header, recursive string
		lines                         []string
		want                          string
		trusted                       bool
	}{
		{"stranger", "203.0.113.9", "X-Forwarded-For", "on", []string{"198.51.100.1"}, "203.0.113.9", false},
		{"no header", "10.1.1.1", "X-Forwarded-For", "on", nil, "10.1.1.1", true},
		{"one", "10.1.1.1", "X-Forwarded-For", "on", []string{"198.51.100.1"}, "198.51.100.1", true},
		{"the right one", "10.1.1.1", "X-Forwarded-For", "on", []string{"1.1.1.1, 198.51.100.1 ,10.2.2.2"}, "198.51.100.1", true},
		{"not recursive", "10.1.1.1", "X-Forwarded-For", "off", []string{"198.51.100.1, 10.2.2.2"}, "10.2.2.2", true},
		{"all trusted", "10.1.1.1", "X-Forwarded-For", "on", []string{"10.3.3.3, 192.0.2.1"}, "10.3.3.3", true},
		{"two lines", "10.1.1.1", "X-Forwarded-For", "on", []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.1", true},
		{"rubbish", "10.1.1.1", "X-Forwarded-For", "on", []string{"1.1.1.1, unknown"}, "10.1.1.1", true},
		{"rubbish further on", "10.1.1.1", "X-Forwarded-For", "on", []string{"unknown, 10.2.2.2"}, "10.2.2.2", true},
		{"with a port", "10.1.1.1", "X-Forwarded-For", "on", []string{"198.51.100.1:4711"}, "198.51.100.1", true},
		{"IPv6", "2001:db8::1", "X-Forwarded-For", "on", []string{"2001:4860::8"}, "2001:4860::8", true},
		{"IPv6 with a port", "2001:db8::1", "X-Forwarded-For", "on", []string{"[2001:4860::8]:80"}, "2001:4860::8", true},
		{"another header", "10.1.1.1", "", "on", []string{"198.51.100.1"}, "10.1.1.1", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := newRealIP(Options{TrustedIPs: nets, RealIPHeader: tt.header, RealIPRecursive: tt.recursive})
			if err != nil {
				t.Fatal(err)
			}
			h := http.Header{"X-Forwarded-For": tt.lines}
			if got, trusted := r.client(tt.peer, h); got != tt.want || trusted != tt.trusted {
				t.Errorf("client %s, trusted %v, want %s, %v", got, trusted, tt.want, tt.trusted)
			}
		})
	}
}

func TestSettingsRefused(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string]Options{
		"KONG_TRUSTED_IPS":            {TrustedIPs: "10.0.0.0/33"},
		"KONG_REAL_IP_HEADER":         {RealIPHeader: "proxy_protocol"},
		"KONG_NGINX_PROXY_ADD_HEADER": {AddHeader: "X $no_such_variable always"},
		"always only":                 {AddHeader: "X 1"},
		"KONG_NGINX_PROXY_GZIP=":      {Gzip: Gzip{On: "yes"}},
		"KONG_NGINX_PROXY_GZIP_VARY":  {Gzip: Gzip{On: "on", Proxied: "any"}},
		"GZIP_MIN_LENGTH":             {Gzip: Gzip{On: "on", Proxied: "any", Vary: "on", MinLength: "1k"}},
		"KONG_ERROR_TEMPLATE_JSON":    {ErrorTemplate: "nowhere.json"},
	} {
		if _, err := New(opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %s in it", opts, err, want)
		}
	}
}

func FuzzRealIP(f *testing.F) {
	f.Add("10.0.0.1", "203.0.113.9, 10.0.0.2")
	r, err := newRealIP(Options{TrustedIPs: "10.0.0.0/8", RealIPHeader: "X-Forwarded-For", RealIPRecursive: "on"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, peer, header string) {
		client, trusted := r.client(peer, http.Header{"X-Forwarded-For": {header}})
		if !trusted && client != peer {
			t.Errorf("a stranger %q with %q is %q", peer, header, client)
		}
	})
}
