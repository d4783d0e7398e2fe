package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// elsewhere is what an operator brings. docs/kubernetes.md has each name.
var elsewhere = Elsewhere{
	Secrets: []string{
		"gateway-redis", "gateway-client-tls", "gateway-edge-tls", "gateway-overlays",
		"web-bff-tls", "mobile-bff-tls", "mobile-bff-cursor",
	},
	Apps:       []string{"orders", "users", "billing", "notifications", "redis", "kube-dns"},
	Namespaces: []string{"kube-system", "monitoring", "observability"},
}

func overlays(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("../overlays/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no overlays: %v", err)
	}
	return dirs
}

var renderedBefore = map[string][]byte{} // by folder: it takes a second

func render(t *testing.T, dir string) []byte {
	t.Helper()
	if text, ok := renderedBefore[dir]; ok {
		return text
	}
	text, err := Render(dir)
	if err != nil {
		t.Fatal(err)
	}
	renderedBefore[dir] = text
	return text
}

func rendered(t *testing.T, dir string) *Manifests {
	t.Helper()
	m, err := Decode(render(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestOverlays(t *testing.T) {
	for _, dir := range overlays(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			m := rendered(t, dir)
			for _, problem := range Problems(m, elsewhere) {
				t.Error(problem)
			}
			if len(m.Deployments) != 3 || len(m.Monitors) != 3 {
				t.Errorf("%d Deployments and %d ServiceMonitors, not 3 and 3", len(m.Deployments), len(m.Monitors))
			}
			if ns := m.Namespaces; len(ns) != 1 || ns[0].Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
				t.Errorf("no namespace that enforces Pod Security restricted")
			}
		})
	}
}

// The plugin server listens before Kong starts and ends after it only where it is a sidecar;
// its sockets and what it keeps beside them are in memory.
func TestSidecar(t *testing.T) {
	pod := &find(rendered(t, "../overlays/medium").Deployments, "gateway").Spec.Template.Spec
	server := containerOf(pod, "plugin-server")
	if !slices.ContainsFunc(pod.InitContainers, func(c core.Container) bool { return c.Name == server.Name }) || !stays(pod, server) {
		t.Error("plugin-server is no init container with restartPolicy: Always")
	}
	if i := slices.IndexFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == "sockets" }); pod.Volumes[i].EmptyDir.Medium != core.StorageMediumMemory {
		t.Error("the sockets are not in memory")
	}
	one := &find(rendered(t, "../overlays/medium-one-process").Deployments, "gateway").Spec.Template.Spec
	if containerOf(one, "plugin-server") != nil || containerOf(one, "kong").Command[1] != "run" {
		t.Error("one process: there is a sidecar, or Kong is not run by `gatehouse run`")
	}
}

func TestAdminAPIIsOnLoopback(t *testing.T) {
	for _, m := range rendered(t, "../overlays/medium").ConfigMaps {
		if strings.HasPrefix(m.Name, "gateway-environment") && m.Data["KONG_ADMIN_LISTEN"] != "127.0.0.1:8001" {
			t.Errorf("KONG_ADMIN_LISTEN is %q", m.Data["KONG_ADMIN_LISTEN"])
		}
	}
}

func TestElsewhereIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(elsewhere.Secrets, elsewhere.Apps, elsewhere.Namespaces) {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/kubernetes.md does not name `%s`", name)
		}
	}
}

// A change of a ConfigMap is a new name, which starts a rollout.
func TestConfigMapsAreHashed(t *testing.T) {
	for _, m := range rendered(t, "../overlays/small").ConfigMaps {
		if base := strings.TrimSuffix(m.Name, m.Name[strings.LastIndex(m.Name, "-"):]); len(m.Name)-len(base) != 11 {
			t.Errorf("ConfigMap %s has no hash in its name", m.Name)
		}
	}
}

func TestDecodeIsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"a misspelt field":  "apiVersion: v1\nkind: Service\nmetadata: { name: x }\nspec: { selectr: { a: b } }",
		"a field twice":     "apiVersion: v1\nkind: Service\nmetadata: { name: x }\nmetadata: { name: y }",
		"a misspelt port":   "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nspec: { selector: {}, endpoints: [{ prt: x }] }",
		"a Secret":          "apiVersion: v1\nkind: Secret\nmetadata: { name: x }",
		"an old apiVersion": "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: { name: x }",
	} {
		if _, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s is decoded", name)
		}
	}
}

func find[T interface{ GetName() string }](list []T, name string) T {
	return list[slices.IndexFunc(list, func(o T) bool { return o.GetName() == name })]
}

// Each rule can fail: one change of the manifests, and the one problem that it is.
func TestProblems(t *testing.T) {
	gateway := func(m *Manifests) *core.PodSpec { return &find(m.Deployments, "gateway").Spec.Template.Spec }
	kong := func(m *Manifests) *core.Container { return named(gateway(m).Containers, "kong") }
	sidecar := func(m *Manifests) *core.Container { return named(gateway(m).InitContainers, "plugin-server") }
	volume := func(m *Manifests, name string) *core.Volume {
		volumes := gateway(m).Volumes
		return &volumes[slices.IndexFunc(volumes, func(v core.Volume) bool { return v.Name == name })]
	}
	bff := func(m *Manifests) *core.PodSpec { return &find(m.Deployments, "web-bff").Spec.Template.Spec }
	text := render(t, "../overlays/small")
	for want, change := range map[string]func(m *Manifests){
		"Deployment web-bff: spec.selector does not match its own pods": func(m *Manifests) {
			find(m.Deployments, "web-bff").Spec.Selector.MatchLabels = map[string]string{"app.kubernetes.io/name": "bff"}
		},
		"Deployment gateway: spec.replicas: leave it out": func(m *Manifests) { find(m.Deployments, "gateway").Spec.Replicas = new(int32) },
		"Deployment gateway: spec.strategy.rollingUpdate.maxUnavailable: write 0": func(m *Manifests) {
			find(m.Deployments, "gateway").Spec.Strategy.RollingUpdate.MaxUnavailable.IntVal = 1
		},
		"Deployment gateway: topologySpreadConstraints: none": func(m *Manifests) { gateway(m).TopologySpreadConstraints[0].TopologyKey = "zone" },
		"Deployment gateway: securityContext: write runAsNonRoot": func(m *Manifests) {
			*gateway(m).SecurityContext.RunAsUser = 0
		},
		"Deployment gateway: securityContext.seccompProfile":           func(m *Manifests) { gateway(m).SecurityContext.SeccompProfile = nil },
		"Deployment gateway: automountServiceAccountToken":             func(m *Manifests) { gateway(m).AutomountServiceAccountToken = nil },
		"Deployment gateway: container kong: securityContext.allow":    func(m *Manifests) { kong(m).SecurityContext.AllowPrivilegeEscalation = nil },
		"Deployment gateway: container kong: securityContext.readOnly": func(m *Manifests) { kong(m).SecurityContext.ReadOnlyRootFilesystem = nil },
		"Deployment gateway: container kong: securityContext.capabilities": func(m *Manifests) {
			kong(m).SecurityContext.Capabilities.Drop = nil
		},
		"Deployment gateway: container kong: resources: write a request and a limit of memory": func(m *Manifests) {
			delete(kong(m).Resources.Limits, core.ResourceMemory)
		},
		"Deployment gateway: container plugin-server: env GOMEMLIMIT": func(m *Manifests) {
			env(sidecar(m), "GOMEMLIMIT").Value = "4GiB"
		},
		"Deployment gateway: container kong: env KONG_NGINX_WORKER_PROCESSES 64": func(m *Manifests) {
			env(kong(m), "KONG_NGINX_WORKER_PROCESSES").Value = "64"
		},
		"Deployment gateway: container kong: image x/kong:latest": func(m *Manifests) { kong(m).Image = "x/kong:latest" },
		"Deployment gateway: container kong: image host:5000/kong": func(m *Manifests) {
			kong(m).Image = "host:5000/kong"
		},
		"Deployment gateway: container kong: livenessProbe":           func(m *Manifests) { kong(m).LivenessProbe = nil },
		"Deployment gateway: container plugin-server: readinessProbe": func(m *Manifests) { sidecar(m).ReadinessProbe.PeriodSeconds = 60 },
		"Deployment gateway: container kong: lifecycle.preStop: write": func(m *Manifests) {
			kong(m).Lifecycle = nil
		},
		"Deployment gateway: container kong: lifecycle.preStop.sleep of 1s": func(m *Manifests) { kong(m).Lifecycle.PreStop.Sleep.Seconds = 1 },
		"Deployment gateway: terminationGracePeriodSeconds: write 45": func(m *Manifests) {
			*gateway(m).TerminationGracePeriodSeconds = 30
		},
		"Deployment web-bff: terminationGracePeriodSeconds: write 50": func(m *Manifests) { *bff(m).TerminationGracePeriodSeconds = 49 },
		"Deployment gateway: ConfigMap gone is not here":              func(m *Manifests) { volume(m, "config").ConfigMap.Name = "gone" },
		"Deployment gateway: Secret gone is not in":                   func(m *Manifests) { volume(m, "overlays").Secret.SecretName = "gone" },
		"Deployment gateway: volume overlays: defaultMode": func(m *Manifests) {
			*volume(m, "overlays").Secret.DefaultMode = 0o444
		},
		"Deployment gateway: volume sockets: emptyDir.sizeLimit": func(m *Manifests) { volume(m, "sockets").EmptyDir.SizeLimit = nil },
		"Deployment gateway: ServiceAccount \"\" is not here":    func(m *Manifests) { gateway(m).ServiceAccountName = "" },
		"Deployment gateway: its HorizontalPodAutoscaler: write minReplicas of at least 3": func(m *Manifests) {
			*find(m.Autoscalers, "gateway").Spec.MinReplicas = 2
		},
		"Deployment gateway: its HorizontalPodAutoscaler measures container gone": func(m *Manifests) {
			find(m.Autoscalers, "gateway").Spec.Metrics[0].ContainerResource.Container = "gone"
		},
		"HorizontalPodAutoscaler web-bff: spec.scaleTargetRef": func(m *Manifests) { find(m.Autoscalers, "web-bff").Spec.ScaleTargetRef.Name = "gone" },
		"Deployment web-bff: 0 PodDisruptionBudgets": func(m *Manifests) {
			find(m.Budgets, "web-bff").Spec.Selector.MatchLabels = map[string]string{"app": "gone"}
		},
		"Deployment web-bff: its PodDisruptionBudget": func(m *Manifests) { find(m.Budgets, "web-bff").Spec.MaxUnavailable.IntVal = 0 },
		"Service web-bff: spec.selector":              func(m *Manifests) { find(m.Services, "web-bff").Spec.Selector = map[string]string{"app": "gone"} },
		"Service web-bff: port https": func(m *Manifests) {
			find(m.Services, "web-bff").Spec.Ports[0].TargetPort = intstr.FromInt32(1)
		},
		"NetworkPolicy web-bff: spec.podSelector": func(m *Manifests) {
			find(m.Policies, "web-bff").Spec.PodSelector.MatchLabels = map[string]string{"app": "gone"}
		},
		"NetworkPolicy of all pods: none denies": func(m *Manifests) {
			find(m.Policies, "default-deny").Spec.Egress = []networking.NetworkPolicyEgressRule{{}}
		},
		"NetworkPolicy gateway: its peer map[app.kubernetes.io/name:gone]": func(m *Manifests) {
			find(m.Policies, "gateway").Spec.Egress[0].To[0].PodSelector = &meta.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": "gone"}}
		},
		"NetworkPolicy gateway: namespace \"gone\"": func(m *Manifests) {
			find(m.Policies, "gateway").Spec.Ingress[1].From[0].NamespaceSelector.MatchLabels[core.LabelMetadataName] = "gone"
		},
		"NetworkPolicy gateway: port 1: no container": func(m *Manifests) {
			*find(m.Policies, "gateway").Spec.Egress[0].Ports[0].Port = intstr.FromInt32(1)
		},
		"ServiceMonitor web-bff: spec.selector": func(m *Manifests) {
			find(m.Monitors, "web-bff").Spec.Selector.MatchLabels = map[string]string{"app": "gone"}
		},
		"ServiceMonitor web-bff: port gone": func(m *Manifests) { find(m.Monitors, "web-bff").Spec.Endpoints[0].Port = "gone" },
	} {
		m, err := Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		change(m)
		if found := Problems(m, elsewhere); !slices.ContainsFunc(found, func(is string) bool { return strings.HasPrefix(is, want) }) {
			t.Errorf("not said: %s\nbut: %s", want, strings.Join(found, "\n"))
		}
	}
}

func named(list []core.Container, name string) *core.Container {
	return &list[slices.IndexFunc(list, func(c core.Container) bool { return c.Name == name })]
}

func env(c *core.Container, name string) *core.EnvVar {
	return &c.Env[slices.IndexFunc(c.Env, func(v core.EnvVar) bool { return v.Name == name })]
}
