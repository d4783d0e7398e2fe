// Package check has the rules that the manifests of deploy/kubernetes keep. They are more than
// Kubernetes asks for: what it takes without a word can still be a gateway that drops requests
// in each rollout.
package check

import (
	"bytes"
	"fmt"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// Manifests are what a kustomization renders.
type Manifests struct {
	Namespaces      []*core.Namespace
	ServiceAccounts []*core.ServiceAccount
	ConfigMaps      []*core.ConfigMap
	Services        []*core.Service
	Deployments     []*apps.Deployment
	Budgets         []*policy.PodDisruptionBudget
	Autoscalers     []*autoscaling.HorizontalPodAutoscaler
	Policies        []*networking.NetworkPolicy
	Monitors        []*monitoring.ServiceMonitor
}

// Render builds the kustomization in dir, as `kubectl kustomize` does.
func Render(dir string) ([]byte, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", dir, err)
	}
	return built.AsYaml()
}

// Documents of a YAML stream as kustomize writes it.
func Documents(stream []byte) [][]byte {
	return bytes.Split(stream, []byte("\n---\n"))
}

// Decode reads what Render wrote, strictly: a field that a type has not, or that is there
// twice, is an error, and so is a kind that no manifest here has a use for, such as a Secret.
func Decode(stream []byte) (*Manifests, error) {
	m := &Manifests{}
	for _, text := range Documents(stream) {
		var is meta.TypeMeta
		if err := yaml.Unmarshal(text, &is); err != nil {
			return nil, fmt.Errorf("decode type: %w", err)
		}
		if err := m.add(is, text); err != nil {
			return nil, fmt.Errorf("decode %s: %w", is.Kind, err)
		}
	}
	return m, nil
}

func (m *Manifests) add(is meta.TypeMeta, text []byte) error {
	switch is.APIVersion + " " + is.Kind {
	case "v1 Namespace":
		return into(&m.Namespaces, text)
	case "v1 ServiceAccount":
		return into(&m.ServiceAccounts, text)
	case "v1 ConfigMap":
		return into(&m.ConfigMaps, text)
	case "v1 Service":
		return into(&m.Services, text)
	case "apps/v1 Deployment":
		return into(&m.Deployments, text)
	case "policy/v1 PodDisruptionBudget":
		return into(&m.Budgets, text)
	case "autoscaling/v2 HorizontalPodAutoscaler":
		return into(&m.Autoscalers, text)
	case "networking.k8s.io/v1 NetworkPolicy":
		return into(&m.Policies, text)
	case "monitoring.coreos.com/v1 ServiceMonitor":
		return into(&m.Monitors, text)
	default:
		return fmt.Errorf("apiVersion %s is not expected: secrets and what is elsewhere are named, not made", is.APIVersion)
	}
}

func into[T any](list *[]*T, text []byte) error {
	object := new(T)
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		return err
	}
	*list = append(*list, object)
	return nil
}
