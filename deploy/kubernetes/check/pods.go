package check

import (
	"slices"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// all containers of a pod, those that run before the others too.
func all(pod *core.PodSpec) []core.Container {
	return slices.Concat(pod.InitContainers, pod.Containers)
}

func containerOf(pod *core.PodSpec, name string) *core.Container {
	containers := all(pod)
	if i := slices.IndexFunc(containers, func(c core.Container) bool { return c.Name == name }); i >= 0 {
		return &containers[i]
	}
	return nil
}

// stays tells whether a container runs as long as its pod: an init container does if it is a
// sidecar.
func stays(pod *core.PodSpec, c *core.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == core.ContainerRestartPolicyAlways ||
		slices.ContainsFunc(pod.Containers, func(one core.Container) bool { return one.Name == c.Name })
}

func isTrue(b *bool) bool { return b != nil && *b }

func (c *checker) pod(pod *core.PodSpec, say sayFunc) {
	s := pod.SecurityContext
	if s == nil || !isTrue(s.RunAsNonRoot) || s.RunAsUser == nil || *s.RunAsUser == 0 {
		say("securityContext: write runAsNonRoot: true and a runAsUser")
	}
	if s == nil || s.SeccompProfile == nil || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		say("securityContext.seccompProfile: write RuntimeDefault")
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		say("automountServiceAccountToken: write false: nothing in it asks the API server")
	}
	containers := all(pod)
	for i := range containers {
		one := &containers[i]
		in := func(format string, args ...any) { say("container "+one.Name+": "+format, args...) }
		restricted(one.SecurityContext, in)
		bounded(one, in)
		if tag := one.Image[strings.LastIndex(one.Image, "/")+1:]; !strings.ContainsAny(tag, ":@") || strings.HasSuffix(tag, ":latest") {
			in("image %s: write a tag that never moves, or a digest", one.Image)
		}
		if stays(pod, one) {
			probed("livenessProbe", one.LivenessProbe, in)
			probed("readinessProbe", one.ReadinessProbe, in)
		}
	}
}

func restricted(s *core.SecurityContext, say sayFunc) {
	if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
		say("securityContext.allowPrivilegeEscalation: write false")
	}
	if s == nil || !isTrue(s.ReadOnlyRootFilesystem) {
		say("securityContext.readOnlyRootFilesystem: write true")
	}
	if s == nil || s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || s.Capabilities.Add != nil {
		say("securityContext.capabilities: write drop: [ALL], and add none")
	}
}

// bounded wants requests and limits, memory that is there when it is asked for, and what a
// process is told of its bounds to fit in them.
func bounded(c *core.Container, say sayFunc) {
	for _, name := range []core.ResourceName{core.ResourceCPU, core.ResourceMemory, core.ResourceEphemeralStorage} {
		request, limit := c.Resources.Requests[name], c.Resources.Limits[name]
		if request.IsZero() || limit.IsZero() || request.Cmp(limit) > 0 {
			say("resources: write a request and a limit of %s, the limit no less than the request", name)
		}
	}
	memory, cpu := c.Resources.Limits[core.ResourceMemory], c.Resources.Limits[core.ResourceCPU]
	for _, v := range c.Env {
		switch v.Name {
		case "GOMEMLIMIT":
			heap, err := resource.ParseQuantity(strings.TrimSuffix(v.Value, "B"))
			if err != nil || heap.Value()*10 > memory.Value()*9 {
				say("env GOMEMLIMIT %s: write at most nine tenths of its memory, %s", v.Value, memory.String())
			}
		case "KONG_NGINX_WORKER_PROCESSES":
			workers, err := resource.ParseQuantity(v.Value)
			if err != nil || workers.Cmp(cpu) > 0 {
				say("env KONG_NGINX_WORKER_PROCESSES %s: write at most its CPUs, %s", v.Value, cpu.String())
			}
		}
	}
}

func probed(field string, p *core.Probe, say sayFunc) {
	if p == nil || time.Duration(p.PeriodSeconds)*time.Second != probePeriod {
		say("%s: write one with periodSeconds: %d", field, int(probePeriod.Seconds()))
	}
}

// ending wants containers that others connect to to wait before they end, and time for it.
func (c *checker) ending(pod *core.PodSpec, of map[string]string, say sayFunc) {
	for i := range pod.Containers {
		one := &pod.Containers[i]
		if !c.served(one, of) {
			continue
		}
		if one.Lifecycle == nil || one.Lifecycle.PreStop == nil || one.Lifecycle.PreStop.Sleep == nil {
			say("container %s: lifecycle.preStop: write a sleep: others go on connecting to it for a while", one.Name)
			continue
		}
		sleep := time.Duration(one.Lifecycle.PreStop.Sleep.Seconds) * time.Second
		if sleep < endpointsDelay {
			say("container %s: lifecycle.preStop.sleep of %s: write %s at least", one.Name, sleep, endpointsDelay)
		}
		drain := c.drainDelay(one)
		if g := pod.TerminationGracePeriodSeconds; g == nil || time.Duration(*g)*time.Second < sleep+drain+forRequests {
			say("terminationGracePeriodSeconds: write %d at least: preStop, what it is told to wait itself, and the requests under way", int((sleep + drain + forRequests).Seconds()))
		}
	}
}

// served tells whether a Service sends to a port of the container.
func (c *checker) served(one *core.Container, of map[string]string) bool {
	for _, port := range one.Ports {
		for _, s := range c.m.Services {
			sends := func(p core.ServicePort) bool { return p.TargetPort.StrVal == port.Name }
			if selects(s.Spec.Selector, of) && slices.ContainsFunc(s.Spec.Ports, sends) {
				return true
			}
		}
	}
	return false
}

// drainDelay is how long a BFF goes on after it was told to end.
func (c *checker) drainDelay(one *core.Container) time.Duration {
	for _, from := range one.EnvFrom {
		for _, m := range c.m.ConfigMaps {
			if from.ConfigMapRef == nil || m.Name != from.ConfigMapRef.Name {
				continue
			}
			if ms, err := time.ParseDuration(m.Data["BFF_DRAIN_DELAY_MS"] + "ms"); err == nil {
				return ms
			}
		}
	}
	return 0
}
