package check

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// TestAPIServer has a real API server say what it thinks of every manifest. `make kube-check`
// builds the two binaries and names them.
func TestAPIServer(t *testing.T) {
	server, etcd := os.Getenv("KUBE_APISERVER"), os.Getenv("ETCD")
	if server == "" || etcd == "" {
		t.Skip("make kube-check runs it: KUBE_APISERVER and ETCD name binaries")
	}
	api := startAPI(t, server, etcd)
	first := rendered(t, "../overlays/small")
	for _, ns := range first.Namespaces {
		api.make(t, "/api/v1/namespaces", ns)
	}
	// Without its account no pod is taken, whatever else it is.
	for _, account := range first.ServiceAccounts {
		api.make(t, "/api/v1/namespaces/"+account.Namespace+"/serviceaccounts", account)
	}
	t.Run("refuses what is wrong", func(t *testing.T) { refuses(t, api, render(t, "../overlays/small")) })
	for _, dir := range overlays(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			for _, document := range Documents(render(t, dir)) {
				var is meta.TypeMeta
				if err := yaml.Unmarshal(document, &is); err != nil {
					t.Fatal(err)
				}
				if is.Kind == "Namespace" || is.Kind == "ServiceAccount" || is.Kind == "ServiceMonitor" {
					continue // made above; no server has the type without prometheus-operator
				}
				for _, verdict := range api.verdicts(t, document) {
					if verdict.wrong() {
						t.Error(verdict)
					} else {
						t.Log(verdict)
					}
				}
			}
		})
	}
}

// refuses shows that the server would say so: what passes it passes for a reason.
func refuses(t *testing.T, api *apiServer, stream []byte) {
	var deployment []byte
	for _, document := range Documents(stream) {
		if bytes.HasPrefix(document, []byte("apiVersion: apps/v1\n")) && bytes.Contains(document, []byte("name: gateway\n")) {
			deployment = document
		}
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"a privilege":          {"allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "allowPrivilegeEscalation != false"},
		"a privileged one":     {"readOnlyRootFilesystem: true", "privileged: true", "privileged"},
		"root":                 {"runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot != true"},
		"no seccomp profile":   {"type: RuntimeDefault", "type: Unconfined", "seccompProfile"},
		"a misspelt field":     {"minReadySeconds:", "minReadySecond:", "unknown field"},
		"no such value":        {"whenUnsatisfiable: DoNotSchedule", "whenUnsatisfiable: Never", "Unsupported value"},
		"a volume that is not": {"mountPath: /run/gatehouse\n          name: sockets", "mountPath: /run/gatehouse\n          name: gone", "Not found"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(deployment), c.from, c.to, 1)
			if changed == string(deployment) {
				t.Fatalf("%q is not in the Deployment", c.from)
			}
			var said []string
			for _, verdict := range api.verdicts(t, []byte(changed)) {
				if verdict.wrong() {
					said = append(said, verdict.String())
				}
			}
			if !strings.Contains(strings.Join(said, "\n"), c.want) {
				t.Errorf("no %q in %q", c.want, said)
			}
		})
	}
}

// verdict is what the server said of an object.
type verdict struct {
	object   string
	status   int
	warnings []string
	message  string
}

func (v verdict) wrong() bool { return v.status != http.StatusCreated || len(v.warnings) > 0 }

func (v verdict) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s: %d %s %s", v.object, v.status, strings.Join(v.warnings, "; "), v.message))
}

// resources are the places of the kinds in the API.
var resources = map[string]string{
	"ConfigMap":               "/api/v1/namespaces/gatehouse/configmaps",
	"Service":                 "/api/v1/namespaces/gatehouse/services",
	"Deployment":              "/apis/apps/v1/namespaces/gatehouse/deployments",
	"PodDisruptionBudget":     "/apis/policy/v1/namespaces/gatehouse/poddisruptionbudgets",
	"HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/gatehouse/horizontalpodautoscalers",
	"NetworkPolicy":           "/apis/networking.k8s.io/v1/namespaces/gatehouse/networkpolicies",
}

const pods = "/api/v1/namespaces/gatehouse/pods"

// verdicts posts a document for a dry run, strictly, and the pods that it would make: Pod
// Security only warns of a Deployment, and refuses its pods.
func (a *apiServer) verdicts(t *testing.T, document []byte) []verdict {
	t.Helper()
	var object struct {
		meta.TypeMeta `json:",inline"`
		Metadata      meta.ObjectMeta `json:"metadata"`
		Spec          struct {
			Template struct {
				Metadata meta.ObjectMeta `json:"metadata"`
				Spec     json.RawMessage `json:"spec"`
			} `json:"template"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(document, &object); err != nil {
		t.Fatal(err)
	}
	place, ok := resources[object.Kind]
	if !ok {
		t.Fatalf("it is not known where a %s is posted", object.Kind)
	}
	const dryRun = "?dryRun=All&fieldValidation=Strict"
	found := []verdict{a.post(t, place+dryRun, object.Kind+" "+object.Metadata.Name, "application/yaml", document)}
	if object.Kind == "Deployment" {
		pod, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Pod", "spec": object.Spec.Template.Spec,
			"metadata": map[string]any{"name": object.Metadata.Name, "labels": object.Spec.Template.Metadata.Labels},
		})
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, a.post(t, pods+dryRun, "Pod "+object.Metadata.Name, "application/json", pod))
	}
	return found
}

// apiServer is a kube-apiserver that this test has started.
type apiServer struct {
	url    string
	client *http.Client
}

const token = "of-this-test-alone"

func startAPI(t *testing.T, server, etcd string) *apiServer {
	dir := t.TempDir()
	store, peer, port := freePort(t), freePort(t), freePort(t)
	run(t, etcd, "--data-dir", filepath.Join(dir, "etcd"), "--log-level", "error",
		"--listen-client-urls", "http://127.0.0.1:"+store, "--advertise-client-urls", "http://127.0.0.1:"+store,
		"--listen-peer-urls", "http://127.0.0.1:"+peer, "--initial-advertise-peer-urls", "http://127.0.0.1:"+peer,
		"--initial-cluster", "default=http://127.0.0.1:"+peer)
	key, tokens := filepath.Join(dir, "accounts.pem"), filepath.Join(dir, "tokens.csv")
	writeKey(t, key)
	if err := os.WriteFile(tokens, []byte(token+",tester,tester,system:masters\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, server, "--etcd-servers", "http://127.0.0.1:"+store,
		"--bind-address", "127.0.0.1", "--secure-port", port, "--cert-dir", filepath.Join(dir, "certs"),
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", key,
		"--service-account-signing-key-file", key, "--service-cluster-ip-range", "10.0.0.0/24",
		"--authorization-mode", "RBAC", "--token-auth-file", tokens,
		// Without it a privileged container is refused before Pod Security looks at it.
		"--allow-privileged=true")
	api := &apiServer{url: "https://127.0.0.1:" + port}
	deadline := time.Now().Add(time.Minute)
	for {
		err := api.ready(t, filepath.Join(dir, "certs", "apiserver.crt"))
		if err == nil {
			return api
		}
		if time.Now().After(deadline) {
			t.Fatalf("the API server was not ready within a minute: %v", err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// ready asks the server, by the certificate that it made for itself.
func (a *apiServer) ready(t *testing.T, certFile string) error {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return err
	}
	made, _ := pem.Decode(cert)
	if made == nil {
		return errors.New("its certificate is not written yet")
	}
	a.client = &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true, // its names are this machine's: it is compared as a whole
			VerifyPeerCertificate: func(shown [][]byte, _ [][]*x509.Certificate) error {
				if !bytes.Equal(shown[0], made.Bytes) {
					return errors.New("another server's certificate")
				}
				return nil
			},
		}},
		Timeout: 30 * time.Second,
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return nil
}

// make creates an object for good.
func (a *apiServer) make(t *testing.T, place string, object any) {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if v := a.post(t, place, "to make", "application/json", text); v.wrong() {
		t.Fatal(v)
	}
}

func (a *apiServer) post(t *testing.T, place, object, contentType string, body []byte) verdict {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+place, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/json")
	resp, err := a.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	v := verdict{object: object, status: resp.StatusCode, warnings: resp.Header.Values("Warning")}
	if resp.StatusCode != http.StatusCreated {
		var status meta.Status
		if err := json.Unmarshal(text, &status); err != nil {
			t.Fatalf("%s: %s", resp.Status, text)
		}
		v.message = status.Message
	}
	return v
}

// run starts a process that ends with the test, and shows what it said if the test fails.
func run(t *testing.T, path string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(path), said.Bytes()[max(0, said.Len()-2000):])
		}
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func writeKey(t *testing.T, path string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
