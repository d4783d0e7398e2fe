package cdnranges

import (
	"net/netip"
	"os"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, want string }{
		{"cloudflare", "cloudflare-v4.txt", "192.0.2.0/24,198.51.100.0/25,198.51.100.128/25"},
		{"cloudflare", "cloudflare-v6.txt", "2001:db8:100::/48,2001:db8:200::/40"},
		{"cloudfront", "cloudfront.json", "192.0.2.0/26,2001:db8:1::/48"},
		{"cloudfront", "cloudfront-unmarked.json", "198.51.100.0/24"},
		{"fastly", "fastly.json", "192.0.2.0/24,198.51.100.0/24,2001:db8:4e40::/48"},
		{"frontdoor", "frontdoor.json", "198.51.100.16/28,2001:db8:5::/48"},
		{"list", "list.txt", "192.0.2.10/32,198.51.100.0/24,2001:db8::1/128"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			reply, err := os.ReadFile("testdata/" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			networks, err := mustFind(t, tt.name).Parse(reply)
			if err != nil {
				t.Fatal(err)
			}
			if got := rendered(t, networks); got != tt.want {
				t.Errorf("networks %s, want %s", got, tt.want)
			}
		})
	}
}

func mustFind(t *testing.T, name string) CDN {
	t.Helper()
	cdn, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return cdn
}

func rendered(t *testing.T, networks []Network) string {
	t.Helper()
	text, err := Render("env", networks)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, "KONG_TRUSTED_IPS="), "\n")
}

// TestRefused wants one line that says what is wrong, and no network of a bad list.
func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, cdn, reply, want string }{
		{"nothing", "cloudflare", "", "no network"},
		{"white space", "cloudflare", " \n\r\n", "no network"},
		{"comments alone", "list", "# nothing yet\n", "no network"},
		{"no networks", "fastly", `{"addresses":[],"ipv6_addresses":[]}`, "no network"},
		{"another service's alone", "cloudfront", `{"prefixes":[{"ip_prefix":"192.0.2.0/24","service":"EC2"}],"ipv6_prefixes":[{"ipv6_prefix":"2001:db8::/32","service":"EC2"}]}`, "no network"},
		{"another document", "frontdoor", `{"error":"not found"}`, "no network"},
		{"a page", "cloudflare", "<!DOCTYPE html><html>Attention Required!</html>", "web page"},
		{"a page for JSON", "fastly", "\n<html>blocked</html>", "web page"},
		{"cut JSON", "fastly", `{"addresses":["192.0.2.0/24","198.51`, "cut short"},
		{"no JSON", "fastly", "192.0.2.0/24", "no JSON"},
		{"two documents", "fastly", `{"addresses":["192.0.2.0/24"]} {}`, "no JSON"},
		{"an absent list", "fastly", `{"addresses":["192.0.2.0/24"]}`, "it has no ipv6_addresses"},
		{"a null list", "fastly", `{"addresses":["192.0.2.0/24"],"ipv6_addresses":null}`, "no network in its ipv6_addresses"},
		{"an empty list", "fastly", `{"addresses":[ ],"ipv6_addresses":["2001:db8::/32"]}`, "no network in its addresses"},
		{"a renamed list", "fastly", `{"Addresses":["192.0.2.0/24"],"ipv6_addresses":["2001:db8::/32"]}`, "it has no addresses"},
		{"a list twice", "fastly", `{"addresses":["192.0.2.0/24"],"addresses":["198.51.100.0/24"],"ipv6_addresses":["2001:db8::/32"]}`, `"addresses" twice`},
		{"a null in a list", "fastly", `{"addresses":["192.0.2.0/24",null],"ipv6_addresses":["2001:db8::/32"]}`, "is no network"},
		{"null", "fastly", `null`, "it is no object"},
		{"a list alone", "fastly", `["192.0.2.0/24"]`, "it is no object"},
		{"no second list of AWS", "cloudfront", `{"prefixes":[{"ip_prefix":"192.0.2.0/24","service":"CLOUDFRONT"}]}`, "it has no ipv6_prefixes"},
		{"an empty list of AWS", "cloudfront", awsWith(`[]`), "no network in its ipv6_prefixes"},
		{"a service renamed", "cloudfront", awsWith(`[{"ipv6_prefix":"2001:db8::/32","Service":"CLOUDFRONT"}]`), "it has no service"},
		{"a network renamed", "cloudfront", awsWith(`[{"prefix":"2001:db8::/32","service":"CLOUDFRONT"}]`), "it has no ipv6_prefix"},
		{"a null entry", "cloudfront", awsWith(`[null]`), "it has no ipv6_prefix"},
		{"a service twice", "cloudfront", awsWith(`[{"ipv6_prefix":"2001:db8::/32","service":"CLOUDFRONT","service":"EC2"}]`), `"service" twice`},
		{"a tag renamed", "frontdoor", `{"values":[{"Name":"AzureFrontDoor.Backend"}]}`, "it has no name"},
		{"a tag without networks", "frontdoor", `{"values":[{"name":"AzureFrontDoor.Backend","properties":{}}]}`, "it has no addressPrefixes"},
		{"cut before the slash", "cloudflare", "192.0.2.0/24\n198.51.100.0", "198.51.100.0 is cut short"},
		{"NAT64", "list", "64:ff9b::/96", "public internet"},
		{"NAT64 at home", "list", "64:ff9b:1::/48", "public internet"},
		{"6to4", "list", "2002:c000:200::/40", "public internet"},
		{"Teredo", "list", "2001::/32", "public internet"},
		{"unassigned", "list", "4000::/32", "public internet"},
		{"benchmarks", "list", "198.18.0.0/15", "public internet"},
		{"another shape", "fastly", `{"addresses":"192.0.2.0/24"}`, "addresses"},
		{"everybody", "cloudflare", "192.0.2.0/24\n0.0.0.0/0\n", "0.0.0.0/0 is broader"},
		{"everybody in IPv6", "fastly", `{"addresses":["192.0.2.0/24"],"ipv6_addresses":["::/0"]}`, "::/0 is broader"},
		{"a half of everybody", "cloudflare", "128.0.0.0/1", "broader"},
		{"cut in a number", "cloudflare", "192.0.2.0/24\n198.51.100.0/2", "broader"},
		{"the inside", "cloudflare", "10.20.0.0/16", "public internet"},
		{"this machine", "list", "127.0.0.1", "public internet"},
		{"the inside in IPv6", "list", "fd00::/48", "public internet"},
		{"IPv4 in IPv6", "list", "::ffff:192.0.2.1", "public internet"},
		{"a name", "cloudflare", "edge.example.com", `"edge.example.com" is no network`},
		{"two in a line", "cloudflare", "192.0.2.0/24 198.51.100.0/24", "is no network"},
		{"a zone", "list", "fe80::1%eth0", "is no network"},
		{"another setting", "list", "192.0.2.0/24\nreal_ip_header=x", "is no network"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			networks, err := mustFind(t, tt.cdn).Parse([]byte(tt.reply))
			if err == nil || len(networks) > 0 || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("networks %v, error %v, want one line with %q", networks, err, tt.want)
			}
		})
	}
}

// awsWith is AWS's list with these networks of IPv6.
func awsWith(v6 string) string {
	return `{"prefixes":[{"ip_prefix":"192.0.2.0/24","service":"CLOUDFRONT"}],"ipv6_prefixes":` + v6 + `}`
}

func TestWhole(t *testing.T) {
	t.Parallel()
	v4, v6 := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")
	for _, tt := range []struct {
		cdn      string
		networks []Network
		says     string
	}{
		{"cloudflare", []Network{v4, v6}, ""},
		{"cloudflare", []Network{v4}, "no IPv6 network in it"},
		{"cloudflare", []Network{v6, v6}, "no IPv4 network in it"},
		{"fastly", []Network{v4}, "no IPv6"},
		{"frontdoor", []Network{v6}, "no IPv4"},
		{"cloudfront", []Network{v4}, ""}, // it asked origins over IPv4 alone for long
		{"list", []Network{v6}, ""},
	} {
		err := mustFind(t, tt.cdn).Whole(tt.networks)
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s %v: %v, want %q", tt.cdn, tt.networks, err, tt.says)
		}
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	var networks []Network
	for _, n := range []string{"198.51.100.0/24", "2001:db8::/32", "192.0.2.0/24", "198.51.100.128/25", "192.0.2.0/24", "2001:db8:1::/48"} {
		networks = append(networks, netip.MustParsePrefix(n))
	}
	if got, want := rendered(t, Merge(networks)), "192.0.2.0/24,198.51.100.0/24,2001:db8::/32"; got != want {
		t.Errorf("merged %s, want %s", got, want)
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	networks := []Network{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for format, want := range map[string]string{
		"env":  "KONG_TRUSTED_IPS=192.0.2.0/24,2001:db8::/32\n",
		"conf": "trusted_ips = 192.0.2.0/24,2001:db8::/32\n",
		"json": "[\"192.0.2.0/24\",\"2001:db8::/32\"]\n",
	} {
		if got, err := Render(format, networks); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", format, got, err, want)
		}
	}
	if _, err := Render("yaml", networks); err == nil {
		t.Error("an unknown format is no error")
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"cloudflare-v4.txt", "cloudfront.json", "fastly.json", "frontdoor.json", "list.txt"} {
		reply, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(reply)
	}
	f.Fuzz(func(t *testing.T, reply []byte) {
		for _, cdn := range all {
			networks, err := cdn.Parse(reply)
			if (err == nil) != (len(networks) > 0) || err != nil && strings.Contains(err.Error(), "\n") {
				t.Fatalf("%s: networks %v, error %v", cdn.Name, networks, err)
			}
			for _, n := range networks {
				if n.Bits() < leastBitsV4 {
					t.Errorf("%s: %s is trusted", cdn.Name, n)
				}
			}
		}
	})
}
