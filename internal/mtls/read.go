package mtls

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// material is what the files hold, ready for handshakes.
type material struct {
	leaf   *x509.Certificate
	cas    []*x509.Certificate
	server *tls.Config
	client *tls.Config
}

// read reads the files. Its error is one line that names the file and the fix.
func read(f Files, now time.Time) (*material, error) {
	certPEM, err := readFile("certificate", f.Cert)
	if err != nil {
		return nil, err
	}
	keyPEM, err := readKey(f.Key)
	if err != nil {
		return nil, err
	}
	pair, err := keyPair(f, certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	if err := valid("certificate", f.Cert, pair.Leaf, now); err != nil {
		return nil, err
	}
	cas, err := readCAs(f.CA, now)
	if err != nil {
		return nil, err
	}
	if err := signed(f, pair, cas, now); err != nil {
		return nil, err
	}
	return newMaterial(pair, cas), nil
}

// signed tells of a certificate that none of the CAs signed: peers, who have the same CAs,
// would refuse it.
func signed(f Files, pair tls.Certificate, cas []*x509.Certificate, now time.Time) error {
	o := x509.VerifyOptions{
		Roots: poolOf(cas), Intermediates: x509.NewCertPool(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, der := range pair.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			o.Intermediates.AddCert(cert)
		}
	}
	if _, err := pair.Leaf.Verify(o); err != nil {
		return fileError("certificate", f.Cert, "none of the CAs in "+f.CA+" signed it", "put its CA there too, or a certificate of one of them here")
	}
	return nil
}

func poolOf(cas []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, ca := range cas {
		pool.AddCert(ca)
	}
	return pool
}

// fileError is about a file: what is wrong, and what to do.
func fileError(what, path, wrong, fix string) error {
	return fmt.Errorf("%s file %s: %s: %s", what, path, wrong, fix)
}

func readFile(what, path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	var failed *fs.PathError
	switch {
	case err == nil:
		return text, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fileError(what, path, "no such file", "write it, or name another (for development: make certs)")
	case errors.Is(err, fs.ErrPermission):
		return nil, fileError(what, path, "permission denied", "let the user of this process read it")
	case errors.As(err, &failed):
		return nil, fileError(what, path, failed.Err.Error(), "name a PEM file")
	default:
		return nil, fmt.Errorf("read %s file %s: %w", what, path, err)
	}
}

// forOthers are the permissions of those who are neither the file's owner nor in its
// group: Kubernetes gives a secret to a group.
const forOthers = 0o007

func readKey(path string) ([]byte, error) {
	text, err := readFile("key", path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&forOthers != 0 {
		return nil, fileError("key", path, fmt.Sprintf("its mode %#o opens it to everybody", mode), "chmod 600 "+path)
	}
	return text, nil
}

func keyPair(f Files, certPEM, keyPEM []byte) (tls.Certificate, error) {
	certs, err := certificates(certPEM)
	if err != nil || len(certs) == 0 {
		return tls.Certificate{}, fileError("certificate", f.Cert, wrongPEM(err, "no certificate in it"), "put PEM there, which begins with -----BEGIN CERTIFICATE-----")
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	switch {
	case err == nil:
		return pair, nil
	case strings.Contains(err.Error(), "does not match"):
		return tls.Certificate{}, fileError("key", f.Key, "it is not the key of "+f.Cert, "put the two files there that were made together")
	default:
		return tls.Certificate{}, fileError("key", f.Key, strings.TrimPrefix(err.Error(), "tls: "), "put the unencrypted private key there, in PEM")
	}
}

func wrongPEM(err error, otherwise string) string {
	if err != nil {
		return err.Error()
	}
	return otherwise
}

// valid tells of a certificate that is not valid now.
func valid(what, path string, cert *x509.Certificate, now time.Time) error {
	const fix = "issue a new one (for development: make certs)"
	switch {
	case now.After(cert.NotAfter):
		return fileError(what, path, "it expired at "+cert.NotAfter.UTC().Format(time.RFC3339), fix)
	case now.Before(cert.NotBefore):
		return fileError(what, path, "it is valid from "+cert.NotBefore.UTC().Format(time.RFC3339)+" on, and now is "+now.UTC().Format(time.RFC3339), "set the clock, or "+fix)
	default:
		return nil
	}
}

// readCAs reads CAs, of which one at least is to be valid: a file holds the old and the
// new one while the one takes the other's place.
func readCAs(path string, now time.Time) ([]*x509.Certificate, error) {
	text, err := readFile("CA", path)
	if err != nil {
		return nil, err
	}
	const fix = "put the certificates of the CAs there that sign your peers', in PEM"
	cas, err := certificates(text)
	if err != nil || len(cas) == 0 {
		return nil, fileError("CA", path, wrongPEM(err, "no certificate in it"), fix)
	}
	for _, ca := range cas {
		if !ca.IsCA {
			return nil, fileError("CA", path, fmt.Sprintf("%q may not sign others", ca.Subject), fix)
		}
		if err = valid("CA", path, ca, now); err == nil {
			return cas, nil
		}
	}
	return nil, err
}

// certificates parses all certificates of a PEM text, which may hold other things too.
func certificates(text []byte) (list []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return list, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d in it cannot be read: %w", len(list)+1, err)
		}
		list = append(list, cert)
	}
}

func newMaterial(pair tls.Certificate, cas []*x509.Certificate) *material {
	pool := poolOf(cas)
	// HTTP/1.1 is what Kong speaks to its upstreams. Without tickets each connection is
	// verified by the CAs of now.
	return &material{
		leaf: pair.Leaf, cas: cas,
		server: &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true,
			Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		},
		client: &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
			RootCAs: pool,
			// Sent whatever the server asks for, so that it can say what it does not like.
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
		},
	}
}
