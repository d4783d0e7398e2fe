package check

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

type kongConfig struct {
	Services []struct {
		Name      string `json:"name"`
		Host      string `json:"host"`
		TLSVerify bool   `json:"tls_verify"`
	} `json:"services"`
	Upstreams []struct {
		Name    string `json:"name"`
		Targets []struct {
			Target string `json:"target"`
		} `json:"targets"`
	} `json:"upstreams"`
	Plugins []struct {
		Name   string `json:"name"`
		Config struct {
			Identity struct {
				Issuers []struct {
					Consumer string `json:"consumer"`
					Iss      string `json:"iss"`
				} `json:"issuers"`
			} `json:"identity"`
		} `json:"config"`
	} `json:"plugins"`
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile("../base/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// A service that the overlay forgets would be called without a certificate, and refuse it.
func TestEveryServiceHasMutualTLS(t *testing.T) {
	var config kongConfig
	read(t, "kong.yaml", &config)
	overlay, err := os.ReadFile("../base/mutual-tls.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range config.Services {
		for _, name := range []string{s.Name, s.Host} {
			if !strings.Contains(string(overlay), "{ name: "+name+", client_certificate: { id: CLIENT_CERTIFICATE }") {
				t.Errorf("mutual-tls.yaml has no %s", name)
			}
		}
	}
}

func TestIssuersAreThoseOfTheConfig(t *testing.T) {
	var config kongConfig
	read(t, "kong.yaml", &config)
	var issuers struct {
		Issuers []struct {
			Consumer string `json:"consumer"`
			Iss      string `json:"iss"`
		} `json:"issuers"`
	}
	read(t, "issuers.yaml", &issuers)
	believed := map[string]string{}
	for _, p := range config.Plugins {
		for _, i := range p.Config.Identity.Issuers {
			believed[i.Consumer] = i.Iss
		}
	}
	for _, i := range issuers.Issuers {
		if believed[i.Consumer] != i.Iss {
			t.Errorf("issuers.yaml has %s for %s, kong.yaml %q", i.Iss, i.Consumer, believed[i.Consumer])
		}
		delete(believed, i.Consumer)
	}
	if len(believed) > 0 {
		t.Errorf("issuers.yaml lacks %v", believed)
	}
}

// Each target is a Service here, on the port that its pods listen on, or is elsewhere.
func TestTargetsAreServices(t *testing.T) {
	var config kongConfig
	read(t, "kong.yaml", &config)
	ports := map[string]bool{"orders:9101": true}
	for _, s := range rendered(t, "../overlays/small").Services {
		for _, p := range s.Spec.Ports {
			ports[s.Name+":"+strconv.Itoa(int(p.Port))] = s.Spec.ClusterIP == "None"
		}
	}
	for _, u := range config.Upstreams {
		if len(u.Targets) != 1 || !ports[u.Targets[0].Target] {
			t.Errorf("upstream %s: %v is not one headless Service with that port", u.Name, u.Targets)
		}
	}
}
