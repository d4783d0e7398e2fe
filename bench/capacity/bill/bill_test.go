package main

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The page has what the command prints, and so the prices and figures that it reckons with.
func TestPageHasTheBill(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/capacity.md")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	printBills(&out, reference, list)
	if !strings.Contains(string(page), "```\n"+out.String()+"```\n") {
		t.Errorf("docs/capacity.md does not have what the command prints; write:\n%s", out.String())
	}
}

// The overlays have the sizes that are reckoned with, and these are enough with a third of
// the pods gone, as when a zone is: least for the mean, most for the peak.
func TestOverlays(t *testing.T) {
	t.Parallel()
	for _, s := range sizes {
		t.Run(s.name, func(t *testing.T) {
			o := readOverlay(t, filepath.Join("../../../deploy/kubernetes/overlays", s.name, "size.yaml"))
			for _, name := range []string{"web-bff", "mobile-bff"} {
				if got := o.autoscalers[name]; got != s.bff {
					t.Errorf("%s: %+v, not %+v", name, got, s.bff)
				}
				if got := o.containers[name+"/bff"]; got != s.page {
					t.Errorf("%s: %+v, not %+v", name, got, s.page)
				}
			}
			if got := o.autoscalers["gateway"]; got != s.gateway {
				t.Errorf("gateway: %+v, not %+v", got, s.gateway)
			}
			for name, want := range map[string]container{"gateway/kong": s.kong, "gateway/plugin-server": s.server} {
				if got := o.containers[name]; got != want {
					t.Errorf("%s: %+v, not %+v", name, got, want)
				}
			}
			mean, peak := s.perSecond(), s.peak*s.perSecond()
			enough(t, "gateway, minReplicas", s.gateway.least, s.gatewayPods(mean, reference))
			enough(t, "gateway, maxReplicas", s.gateway.most, s.gatewayPods(peak, reference))
			enough(t, "each BFF, minReplicas", s.bff.least, s.bffPods(mean, reference))
			enough(t, "each BFF, maxReplicas", s.bff.most, s.bffPods(peak, reference))
		})
	}
}

func enough(t *testing.T, what string, have, needed int) {
	t.Helper()
	if with := int(math.Ceil(1.5 * float64(needed))); have < with {
		t.Errorf("%s is %d: write %d or more", what, have, with)
	}
}

func TestReckon(t *testing.T) {
	t.Parallel()
	s := size{
		requests: 2 * hours * 3600 * 100, peak: 4, tenants: 10, users: 9, redisNode: 0.5,
		gateway: autoscaler{3, 5}, bff: autoscaler{1, 9},
		kong: container{cpu: 1, memory: 2}, server: container{cpu: 0.5, memory: 2}, page: container{cpu: 0.25, memory: 1},
	}
	m := measured{kong: 3000, server: 500, redis: 100, page: 3000, logged: 1000, kept: 100, counter: 1 << 20}
	b := reckon(s, m, prices{cpuHour: 1, gibHour: 0.1, peakHours: 12, days: 60, keptGBMonth: 1, balancerHour: 1, ingestedGB: 2, outGB: 1, answerBytes: 1000})
	// 200 a second: 0.6 cores of Kong, one pod; three at least. 800: 2.4 cores, four pods.
	if b.pods != [2]int{3, 4} {
		t.Errorf("gateway pods %v", b.pods)
	}
	// 50 pages a second for each BFF: 0.15 cores, one pod. 200: 0.6 cores, four.
	if b.pagePods != [2]int{1, 4} {
		t.Errorf("BFF pods %v", b.pagePods)
	}
	// Half of the time 3 × (1.5 + 0.4) and 2 × (0.25 + 0.1), half 4 × 1.9 and 8 × 0.35.
	near(t, "compute", b.compute, hours*((5.7+0.7)+(7.6+2.8))/2)
	near(t, "Redis", b.redis, 2*hours*0.5)
	near(t, "MiB of Redis", b.redisMiB, 100)
	near(t, "Redis' share", b.redisShare, 0.08)
	near(t, "logs", b.logs, s.requests*100/1e9*2)
	near(t, "ingested", b.ingested, s.requests*1000/1e9*2)
	near(t, "out", b.out, s.requests*1000/1e9)
	near(t, "cores", b.cores, 800*(3500+1500)/1e6)
	near(t, "all", b.sum(), b.compute+b.redis+b.logs+hours)
	if got := (autoscaler{3, 5}).bounded(9); got != 5 {
		t.Errorf("an autoscaler of 5 at most has %d", got)
	}
	if slow := m.times(2); slow.kong != 6000 || slow.page != 6000 || slow.kept != m.kept {
		t.Errorf("twice as slow is %+v", slow)
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*want {
		t.Errorf("%s: %v, not %v", what, got, want)
	}
}

// overlay is what a size.yaml says.
type overlay struct {
	autoscalers map[string]autoscaler
	containers  map[string]container // by DEPLOYMENT/CONTAINER
}

type named struct {
	Name      string
	Resources struct{ Requests struct{ CPU, Memory string } }
}

func readOverlay(t *testing.T, path string) overlay {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	o := overlay{map[string]autoscaler{}, map[string]container{}}
	for documents := yaml.NewDecoder(file); ; {
		var d struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     struct {
				MinReplicas int `yaml:"minReplicas"`
				MaxReplicas int `yaml:"maxReplicas"`
				Template    struct {
					Spec struct {
						InitContainers []named `yaml:"initContainers"`
						Containers     []named
					}
				}
			}
		}
		if err := documents.Decode(&d); errors.Is(err, io.EOF) {
			return o
		} else if err != nil {
			t.Fatal(err)
		}
		if d.Kind == "HorizontalPodAutoscaler" {
			o.autoscalers[d.Metadata.Name] = autoscaler{d.Spec.MinReplicas, d.Spec.MaxReplicas}
		}
		for _, c := range append(d.Spec.Template.Spec.InitContainers, d.Spec.Template.Spec.Containers...) {
			r := c.Resources.Requests
			o.containers[d.Metadata.Name+"/"+c.Name] = container{quantity(t, r.CPU), quantity(t, r.Memory)}
		}
	}
}

// quantity reads the forms of Kubernetes' that the overlays have: CPUs, or GiB.
func quantity(t *testing.T, text string) float64 {
	t.Helper()
	for suffix, unit := range map[string]float64{"m": 1e-3, "Mi": 1.0 / 1024, "Gi": 1, "": 1} {
		var n float64
		digits := strings.TrimSuffix(text, suffix)
		if strings.HasSuffix(text, suffix) && yaml.Unmarshal([]byte(digits), &n) == nil {
			return n * unit
		}
	}
	t.Fatalf("%q is no quantity", text)
	return 0
}
