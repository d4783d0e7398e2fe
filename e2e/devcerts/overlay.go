package devcerts

import (
	"fmt"
	"os"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v4"

	"github.com/gatehousehq/gatehouse/internal/kongyaml"
)

// The overlay, as far as certificates need it.
type overlay struct {
	Format         string        `yaml:"_format_version"`
	Services       []service     `yaml:"services,omitempty"`
	Upstreams      []upstream    `yaml:"upstreams,omitempty"`
	Certificates   []certificate `yaml:"certificates"`
	CACertificates []certificate `yaml:"ca_certificates"`
	SNIs           []sni         `yaml:"snis"`
}

type reference struct {
	ID string `yaml:"id"`
}

type service struct {
	Name              string    `yaml:"name"`
	ClientCertificate reference `yaml:"client_certificate"`
	CACertificates    []string  `yaml:"ca_certificates,flow"`
}

type upstream struct {
	Name              string    `yaml:"name"`
	ClientCertificate reference `yaml:"client_certificate"`
}

type certificate struct {
	ID   string   `yaml:"id"`
	Cert string   `yaml:"cert"`
	Key  string   `yaml:"key,omitempty"`
	Tags []string `yaml:"tags,flow"`
}

type sni struct {
	Name        string    `yaml:"name"`
	Certificate reference `yaml:"certificate"`
}

// contentNamespace is that of ids that are made of what a certificate says.
var contentNamespace = uuid.MustParse("6a3f2b0e-7a52-4a0e-9d8e-5a2f9d1f7c11")

// contentID is another one for each content: Kong goes on with the connections that it
// keeps if a certificate changes under its id, and opens new ones under a new id.
func contentID(parts ...string) string {
	id := contentNamespace
	for _, part := range parts {
		id = uuid.NewSHA1(id, []byte(part))
	}
	return id.String()
}

// Overlay is what makes Kong use the folder's certificates with a base config: one for
// its clients, and mutual TLS with each service of the base that verifies its server and
// does not say by which CA. It holds private keys.
func (d Dir) Overlay(base []byte) ([]byte, error) {
	gateway, err := d.certificate(Gateway)
	if err != nil {
		return nil, err
	}
	edge, err := d.certificate(Edge)
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(d.CA())
	if err != nil {
		return nil, fmt.Errorf("read CA: %w", err)
	}
	o := overlay{
		Format: "3.0", Certificates: []certificate{gateway, edge},
		CACertificates: []certificate{{ID: contentID(string(ca)), Cert: string(ca), Tags: tags}},
		SNIs:           []sni{{"localhost", reference{edge.ID}}},
	}
	if err := o.refer(base, gateway.ID, o.CACertificates[0].ID); err != nil {
		return nil, err
	}
	return yaml.Marshal(o)
}

var tags = []string{"development-only"}

func (d Dir) certificate(name string) (certificate, error) {
	cert, err := os.ReadFile(d.Cert(name))
	if err != nil {
		return certificate{}, fmt.Errorf("read certificate: %w", err)
	}
	key, err := os.ReadFile(d.Key(name))
	if err != nil {
		return certificate{}, fmt.Errorf("read key: %w", err)
	}
	return certificate{ID: contentID(string(cert), string(key)), Cert: string(cert), Key: string(key), Tags: tags}, nil
}

// refer has the services of the base use a client certificate and a CA, and their
// upstreams the same certificate, for health checks.
func (o *overlay) refer(base []byte, certID, caID string) error {
	decoded, err := kongyaml.Decode(base)
	if err != nil {
		return fmt.Errorf("parse declarative config: %w", err)
	}
	document, _ := decoded.(map[string]any)
	hosts := map[any]bool{}
	for _, s := range entities(document["services"]) {
		name, _ := s["name"].(string)
		if name == "" || s["tls_verify"] != true || s["ca_certificates"] != nil || s["client_certificate"] != nil {
			continue
		}
		hosts[s["host"]] = true
		o.Services = append(o.Services, service{name, reference{certID}, []string{caID}})
	}
	for _, u := range entities(document["upstreams"]) {
		if name, _ := u["name"].(string); hosts[name] && u["client_certificate"] == nil {
			o.Upstreams = append(o.Upstreams, upstream{name, reference{certID}})
		}
	}
	return nil
}

func entities(of any) (list []map[string]any) {
	items, _ := of.([]any)
	for _, item := range items {
		if entity, ok := item.(map[string]any); ok {
			list = append(list, entity)
		}
	}
	return list
}

// Config writes an overlay for base into the folder, as kong-certs.yaml, and returns
// base with the overlay.
func (d Dir) Config(base []byte) ([]byte, error) {
	over, err := d.Overlay(base)
	if err != nil {
		return nil, err
	}
	if err := kongyaml.WriteOverlay(d.OverlayFile(), over); err != nil {
		return nil, err
	}
	return kongyaml.Merge(kongyaml.File{Name: "base config", Text: base}, kongyaml.File{Name: d.OverlayFile(), Text: over})
}

// OverlayFile is the path of the overlay.
func (d Dir) OverlayFile() string { return d.file("kong-certs.yaml") }
