package devcerts

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/gatehousehq/gatehouse/internal/atomicfile"
	"github.com/gatehousehq/gatehouse/internal/pemfile"
)

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  crypto.Signer
}

const (
	// keyMode is what a key's mode may have at most.
	keyMode os.FileMode = 0o600
	// caName is the name of the CAs that are made here.
	caName = "Gatehouse development CA, trust it on this machine only"
)

func caTemplate(now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: caName},
		NotBefore: now.Add(-skew), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func leafTemplate(name string, now time.Time) *x509.Certificate {
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: now.Add(-skew), NotAfter: now.Add(leafLife),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:              []string{name},
		URIs:                  []*url.URL{{Scheme: "spiffe", Host: trustDomain, Path: "/" + name}},
	}
	switch name {
	case Edge:
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		template.DNSNames = []string{"localhost"}
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	case Gateway:
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	default:
		// On one machine the parts find each other by address.
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	return template
}

// newPair makes a key and has ca sign its certificate; without a ca it signs itself.
func newPair(template *x509.Certificate, ca *pair) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	parent, signer := template, crypto.Signer(key)
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &pair{cert, key}, err
}

func readPair(certFile, keyFile string) (*pair, error) {
	p, err := pemfile.Pair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	return &pair{p.Leaf, p.PrivateKey.(crypto.Signer)}, nil // which every key is that TLS takes
}

// write puts each file in its place in one step: whoever reads meanwhile gets all of the
// old one or all of the new one.
func (p *pair) write(certFile, keyFile string) error {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	if err := atomicfile.Write(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), keyMode); err != nil {
		return err
	}
	return atomicfile.Write(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw}), 0o644)
}
