package check

import (
	"fmt"
	"slices"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const (
	// probePeriod is how often a container is asked, as it is in Kong's own health checks.
	probePeriod = 10 * time.Second

	// endpointsDelay is how long after a pod is told to end others may still open connections
	// to it: until each kube-proxy and DNS cache knows.
	endpointsDelay = 5 * time.Second

	// forRequests is the least time for what is under way, after that.
	forRequests = 30 * time.Second

	// gatewayReplicas is one in each of three zones.
	gatewayReplicas = 3
)

// Elsewhere is what manifests may name that they do not make.
type Elsewhere struct {
	Secrets    []string
	Apps       []string // values of the label app.kubernetes.io/name, and of k8s-app
	Namespaces []string
}

// Problems are the rules that manifests break, a line for each with the object, the field and
// what it should be.
func Problems(m *Manifests, elsewhere Elsewhere) []string {
	c := &checker{m: m, elsewhere: elsewhere}
	c.workloads()
	c.services()
	c.policies()
	c.monitors()
	return c.found
}

type checker struct {
	m         *Manifests
	elsewhere Elsewhere
	found     []string
}

func (c *checker) say(kind, name, format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf("%s %s: %s", kind, name, fmt.Sprintf(format, args...)))
}

func (c *checker) workloads() {
	for _, d := range c.m.Deployments {
		say := func(format string, args ...any) { c.say("Deployment", d.Name, format, args...) }
		pod := d.Spec.Template
		if !labels.SelectorFromSet(d.Spec.Selector.MatchLabels).Matches(labels.Set(pod.Labels)) {
			say("spec.selector does not match its own pods")
		}
		if d.Spec.Replicas != nil {
			say("spec.replicas: leave it out: each apply would undo what the autoscaler did")
		}
		if u := d.Spec.Strategy.RollingUpdate; u == nil || u.MaxUnavailable == nil || u.MaxUnavailable.IntValue() != 0 {
			say("spec.strategy.rollingUpdate.maxUnavailable: write 0: a rollout is to take no capacity")
		}
		if !slices.ContainsFunc(pod.Spec.TopologySpreadConstraints, overZones(pod.Labels)) {
			say("topologySpreadConstraints: none spreads its pods over topology.kubernetes.io/zone")
		}
		c.pod(&pod.Spec, say)
		c.references(&pod.Spec, say)
		c.ending(&pod.Spec, pod.Labels, say)
		least := c.autoscaler(d.Name, &pod.Spec, say)
		c.budget(pod.Labels, least, say)
	}
}

func overZones(of map[string]string) func(core.TopologySpreadConstraint) bool {
	return func(t core.TopologySpreadConstraint) bool {
		return t.TopologyKey == core.LabelTopologyZone && t.WhenUnsatisfiable == core.DoNotSchedule &&
			t.LabelSelector != nil && labels.SelectorFromSet(t.LabelSelector.MatchLabels).Matches(labels.Set(of))
	}
}

type sayFunc func(format string, args ...any)

// autoscaler checks the one autoscaler of a Deployment, and returns how many pods it keeps.
func (c *checker) autoscaler(deployment string, pod *core.PodSpec, say sayFunc) int {
	least, found := 0, 0
	for _, h := range c.m.Autoscalers {
		if t := h.Spec.ScaleTargetRef; t.Kind != "Deployment" || t.Name != deployment {
			continue
		}
		found++
		wanted := 2
		if deployment == "gateway" {
			wanted = gatewayReplicas
		}
		if h.Spec.MinReplicas == nil || int(*h.Spec.MinReplicas) < wanted || h.Spec.MaxReplicas <= *h.Spec.MinReplicas {
			say("its HorizontalPodAutoscaler: write minReplicas of at least %d, and maxReplicas above it", wanted)
			continue
		}
		least = int(*h.Spec.MinReplicas)
		for _, metric := range h.Spec.Metrics {
			if r := metric.ContainerResource; r != nil && containerOf(pod, r.Container) == nil {
				say("its HorizontalPodAutoscaler measures container %s, which is not there", r.Container)
			}
		}
	}
	if found != 1 {
		say("%d HorizontalPodAutoscalers scale it, and not one", found)
	}
	return least
}

func (c *checker) budget(of map[string]string, least int, say sayFunc) {
	found := 0
	for _, b := range c.m.Budgets {
		if !labels.SelectorFromSet(b.Spec.Selector.MatchLabels).Matches(labels.Set(of)) {
			continue
		}
		found++
		if n := b.Spec.MaxUnavailable; n == nil || n.IntValue() < 1 || n.IntValue() >= least {
			say("its PodDisruptionBudget: write maxUnavailable of 1 at least, and below the autoscaler's minReplicas (%d)", least)
		}
	}
	if found != 1 {
		say("%d PodDisruptionBudgets select its pods, and not one", found)
	}
	for _, b := range c.m.Budgets {
		if !c.anyPod(b.Spec.Selector.MatchLabels) {
			c.say("PodDisruptionBudget", b.Name, "spec.selector matches no pod")
		}
	}
}

// anyPod tells whether a Deployment here makes pods with the labels.
func (c *checker) anyPod(selected map[string]string) bool {
	return len(c.pods(selected)) > 0
}

func (c *checker) pods(selected map[string]string) (specs []*core.PodSpec) {
	for _, d := range c.m.Deployments {
		if labels.SelectorFromSet(selected).Matches(labels.Set(d.Spec.Template.Labels)) {
			specs = append(specs, &d.Spec.Template.Spec)
		}
	}
	return specs
}
