package config

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

func certificateFields() *schema.Field {
	return refuse(named(
		with("id", id()),
		required("cert", pemField()),
		required("key", pemField()),
	), "cert_alt", "key_alt", "snis")
}

func sniFields() *schema.Field {
	return entity(required("name", plain(`^[\w.-]+$`, "whole names")), required("certificate", certificateRef()))
}

func caCertificateFields() *schema.Field {
	return refuse(named(with("id", id()), required("cert", pemField())), "cert_digest")
}

func id() *schema.Field { return &schema.Field{Type: "string", UUID: true} }

// certificateRef is a foreign key.
func certificateRef() *schema.Field { return record(with("id", id())) }

func pemField() *schema.Field {
	return &schema.Field{Type: "string", Check: func(v any) string {
		text, _ := v.(string)
		switch block, _ := pem.Decode([]byte(text)); {
		case schema.IsReference(text):
			return "the dev gateway does not resolve vault references: write the value itself, or " + onKong
		case block == nil:
			return "expected PEM"
		default:
			return ""
		}
	}}
}

func (a *assembler) certificate(e entry) {
	pair, err := tls.X509KeyPair([]byte(e.text("cert")), []byte(e.text("key")))
	switch {
	case err != nil && strings.Contains(err.Error(), "does not match"):
		a.fail(e.at, "certificate does not match key")
	case err != nil:
		a.fail(e.at, oneLine(err))
	}
	a.unique(e, "certificates", "primary key", e.text("id"))
	a.certificates[e.text("id")] = &pair
}

func (a *assembler) sni(e entry) {
	pair, known := a.certificates[e.ref("certificate")]
	if !known {
		a.fail(e.at.At("certificate"), noCertificate("certificate", e.ref("certificate")))
	}
	a.unique(e, "snis", "name", e.text("name"))
	a.config.serverCertificates[strings.ToLower(e.text("name"))] = pair
}

// noCertificate is what Kong says of a reference to a certificate that is not there.
func noCertificate(field, id string) string {
	return fmt.Sprintf("invalid reference '%s: {\"id\":%q}' (no such certificate)", field, id)
}

func (a *assembler) caCertificate(e entry) {
	block, _ := pem.Decode([]byte(e.text("cert")))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		a.fail(e.at.At("cert"), oneLine(err))
		return
	}
	a.cas[e.text("id")] = cert
}

// UpstreamTLS is how a service is called over TLS. Connections that are kept are shared
// by the calls of a server with the same Key: Kong's pools know a certificate by its id.
type UpstreamTLS struct {
	Key    string
	config *tls.Config
	verify func(server string, state tls.ConnectionState) error // nil: any server is believed
}

// Config is for a connection to the server of that name.
func (u *UpstreamTLS) Config(server string) *tls.Config {
	config := u.config.Clone()
	config.ServerName = server
	if u.verify != nil {
		config.VerifyConnection = func(state tls.ConnectionState) error { return u.verify(server, state) }
	}
	return config
}

// CheckTLS is for an active health check of type https. Kong knows no CA for it but its
// own list's.
func (u *Upstream) CheckTLS(t *Target) *tls.Config {
	config := clientTLS(u.ClientCertificate)
	config.ServerName = cmp.Or(u.Healthchecks.Active.SNI, t.ServerName())
	config.InsecureSkipVerify = !u.Healthchecks.Active.Verify
	return config
}

// clientTLS shows a certificate, which may be nil, and believes any server.
func clientTLS(shown *tls.Certificate) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}
	if shown != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }
	}
	return config
}

// clientCertificate is the certificate that an entity refers to.
func (a *assembler) clientCertificate(e entry, id string) *tls.Certificate {
	pair, known := a.certificates[id]
	if !known {
		a.fail(e.at.At("client_certificate"), noCertificate("client_certificate", id))
	}
	return pair
}

// upstreamTLS is that of a service, nil for plain HTTP.
func (a *assembler) upstreamTLS(e entry, s *Service) *UpstreamTLS {
	if s.Protocol != "https" {
		for _, field := range []string{"client_certificate", "tls_verify", "tls_verify_depth", "ca_certificates"} {
			if e.fields[field] != nil {
				a.fail(e.at, "failed conditional validation given value of field 'protocol'")
			}
		}
		return nil
	}
	u := &UpstreamTLS{}
	var key []string
	var shown *tls.Certificate
	if ref := s.ClientCertificate; ref != nil {
		shown = a.clientCertificate(e, ref.ID)
		key = append(key, ref.ID)
	}
	u.config = clientTLS(shown)
	if s.TLSVerify != nil && *s.TLSVerify {
		u.verify = a.verify(s)
		key = append(append(key, "verified by"), s.CACertificates...)
	}
	u.Key = strings.Join(key, " ")
	return u
}

// verify checks a server's certificate. A CA that there is not is none, as in Kong: it
// is no error, and no server is believed by it.
func (a *assembler) verify(s *Service) func(string, tls.ConnectionState) error {
	roots := x509.NewCertPool()
	for _, id := range s.CACertificates {
		if cert := a.cas[id]; cert != nil {
			roots.AddCert(cert)
		}
	}
	depth := 1 // lua_ssl_verify_depth
	if s.TLSVerifyDepth != nil {
		depth = *s.TLSVerifyDepth
	}
	return func(name string, state tls.ConnectionState) error {
		intermediates := x509.NewCertPool()
		for _, cert := range state.PeerCertificates[1:] {
			intermediates.AddCert(cert)
		}
		chains, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: intermediates})
		if err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		// OpenSSL counts neither the leaf nor the root.
		if !slices.ContainsFunc(chains, func(chain []*x509.Certificate) bool { return len(chain)-2 <= depth }) {
			return errors.New("certificate chain too long")
		}
		return nil
	}
}
