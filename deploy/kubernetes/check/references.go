package check

import (
	"slices"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func selects(selector, of map[string]string) bool {
	return labels.SelectorFromSet(selector).Matches(labels.Set(of))
}

// references wants the ConfigMaps and Secrets that a pod names to be here, or known to be
// elsewhere, and no key to be open to everybody.
func (c *checker) references(pod *core.PodSpec, say sayFunc) {
	configMap := func(name string) {
		if !slices.ContainsFunc(c.m.ConfigMaps, func(m *core.ConfigMap) bool { return m.Name == name }) {
			say("ConfigMap %s is not here", name)
		}
	}
	secret := func(name string) {
		if !slices.Contains(c.elsewhere.Secrets, name) {
			say("Secret %s is not in the documented list", name)
		}
	}
	for _, v := range pod.Volumes {
		switch {
		case v.ConfigMap != nil:
			configMap(v.ConfigMap.Name)
		case v.Secret != nil:
			secret(v.Secret.SecretName)
			if mode := v.Secret.DefaultMode; mode == nil || *mode&0o007 != 0 {
				say("volume %s: defaultMode: write 0440: a key that everybody may read is refused", v.Name)
			}
		case v.EmptyDir != nil && v.EmptyDir.SizeLimit == nil:
			say("volume %s: emptyDir.sizeLimit: write one", v.Name)
		}
	}
	for _, one := range all(pod) {
		for _, from := range one.EnvFrom {
			if from.ConfigMapRef != nil {
				configMap(from.ConfigMapRef.Name)
			}
			if from.SecretRef != nil {
				secret(from.SecretRef.Name)
			}
		}
		for _, v := range one.Env {
			if v.ValueFrom != nil && v.ValueFrom.SecretKeyRef != nil {
				secret(v.ValueFrom.SecretKeyRef.Name)
			}
		}
	}
	if !slices.ContainsFunc(c.m.ServiceAccounts, func(a *core.ServiceAccount) bool { return a.Name == pod.ServiceAccountName }) {
		say("ServiceAccount %q is not here", pod.ServiceAccountName)
	}
}

func (c *checker) services() {
	for _, s := range c.m.Services {
		pods := c.pods(s.Spec.Selector)
		if len(s.Spec.Selector) == 0 || len(pods) == 0 {
			c.say("Service", s.Name, "spec.selector matches no pod")
		}
		for _, pod := range pods {
			for _, p := range s.Spec.Ports {
				if portOf(pod, p.TargetPort) == 0 {
					c.say("Service", s.Name, "port %s: no container has the port %s", p.Name, p.TargetPort.String())
				}
			}
		}
	}
	for _, h := range c.m.Autoscalers {
		if !slices.ContainsFunc(c.m.Deployments, func(d *apps.Deployment) bool { return d.Name == h.Spec.ScaleTargetRef.Name }) {
			c.say("HorizontalPodAutoscaler", h.Name, "spec.scaleTargetRef: there is no Deployment %s", h.Spec.ScaleTargetRef.Name)
		}
	}
}

// portOf is the number of a port that is named or numbered, 0 if no container of the pod has it.
func portOf(pod *core.PodSpec, port intstr.IntOrString) int32 {
	for _, one := range all(pod) {
		for _, p := range one.Ports {
			if port.Type == intstr.String && p.Name == port.StrVal || port.IntVal == p.ContainerPort {
				return p.ContainerPort
			}
		}
	}
	return 0
}

func (c *checker) policies() {
	denied := false
	for _, p := range c.m.Policies {
		say := func(format string, args ...any) { c.say("NetworkPolicy", p.Name, format, args...) }
		selector, err := meta.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil {
			say("spec.podSelector: %v", err)
			continue
		}
		pods := c.selected(selector)
		if len(pods) == 0 {
			say("spec.podSelector matches no pod")
		}
		denied = denied || selector.Empty() && len(p.Spec.Ingress) == 0 && len(p.Spec.Egress) == 0 && len(p.Spec.PolicyTypes) == 2
		for _, rule := range p.Spec.Ingress {
			c.peers(rule.From, nil, say)
			for _, pod := range pods {
				c.ports(rule.Ports, pod, say)
			}
		}
		for _, rule := range p.Spec.Egress {
			c.peers(rule.To, rule.Ports, say)
		}
	}
	if !denied {
		c.say("NetworkPolicy", "of all pods", "none denies what no other allows, in both directions")
	}
}

func (c *checker) selected(selector labels.Selector) (pods []*core.PodSpec) {
	for _, d := range c.m.Deployments {
		if selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			pods = append(pods, &d.Spec.Template.Spec)
		}
	}
	return pods
}

// peers wants each peer to be here, with the ports, or known to be elsewhere.
func (c *checker) peers(peers []networking.NetworkPolicyPeer, ports []networking.NetworkPolicyPort, say sayFunc) {
	for _, peer := range peers {
		if n := peer.NamespaceSelector; n != nil {
			if name := n.MatchLabels[core.LabelMetadataName]; !slices.Contains(c.elsewhere.Namespaces, name) {
				say("namespace %q is not in the documented list", name)
			}
		}
		if peer.PodSelector == nil {
			continue
		}
		of := peer.PodSelector.MatchLabels
		pods := c.pods(of)
		for _, pod := range pods {
			c.ports(ports, pod, say)
		}
		app := of["app.kubernetes.io/name"] + of["k8s-app"]
		if (peer.NamespaceSelector != nil || len(pods) == 0) && !slices.Contains(c.elsewhere.Apps, app) {
			say("its peer %v is neither a pod here nor in the documented list", of)
		}
	}
}

func (c *checker) ports(ports []networking.NetworkPolicyPort, pod *core.PodSpec, say sayFunc) {
	for _, p := range ports {
		if p.Port == nil || portOf(pod, *p.Port) == 0 {
			say("port %v: no container has it", p.Port)
		}
	}
}

func (c *checker) monitors() {
	for _, m := range c.m.Monitors {
		found := false
		for _, s := range c.m.Services {
			if !selects(m.Spec.Selector.MatchLabels, s.Labels) {
				continue
			}
			found = true
			for _, e := range m.Spec.Endpoints {
				if !slices.ContainsFunc(s.Spec.Ports, func(p core.ServicePort) bool { return p.Name == e.Port }) {
					c.say("ServiceMonitor", m.Name, "port %s: Service %s has none of that name", e.Port, s.Name)
				}
			}
		}
		if !found {
			c.say("ServiceMonitor", m.Name, "spec.selector matches no Service")
		}
	}
}
