package mtls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gatehousehq/gatehouse/internal/pemfile"
	"github.com/gatehousehq/gatehouse/internal/regularfile"
)

// material is what the files hold, ready for handshakes.
type material struct {
	leaf   *x509.Certificate
	chain  [][]byte // the leaf, and intermediate CAs after it
	cas    []*x509.Certificate
	server *tls.Config
	client *tls.Config
}

// read reads the files. Its error is one line that names the file and the fix.
func read(f Files, now time.Time) (*material, error) {
	certPEM, _, err := readFile("certificate", f.Cert)
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

// same reports whether peers see no difference.
func (m *material) same(other *material) bool {
	return slices.EqualFunc(m.chain, other.chain, bytes.Equal) && slices.EqualFunc(m.cas, other.cas, (*x509.Certificate).Equal)
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

// fault is what is wrong with a file, and what to do.
type fault struct {
	what, path string
	wrong      string // the same for as long as the same is wrong: it tells no time of day
	fix        string
}

func (f fault) Error() string {
	return fmt.Sprintf("%s file %s: %s: %s", f.what, f.path, f.wrong, f.fix)
}

func fileError(what, path, wrong, fix string) error { return fault{what, path, wrong, fix} }

func readFile(what, path string) ([]byte, fs.FileMode, error) {
	text, mode, err := regularfile.ReadMode(path)
	var failed *fs.PathError
	switch {
	case err == nil:
		return text, mode, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, fileError(what, path, "no such file", "write it, or name another (for development: make certs)")
	case errors.Is(err, fs.ErrPermission):
		return nil, 0, fileError(what, path, "permission denied", "let the user of this process read it")
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return nil, 0, fileError(what, path, "too many open files", "raise the limit (ulimit -n), or see what keeps them open")
	case errors.As(err, &failed):
		return nil, 0, fileError(what, path, failed.Err.Error(), "name a PEM file")
	default:
		return nil, 0, fileError(what, path, err.Error(), "name a PEM file")
	}
}

// forOthers are the permissions of those who are neither the file's owner nor in its
// group: Kubernetes gives a secret to a group.
const forOthers = 0o007

func readKey(path string) ([]byte, error) {
	text, mode, err := readFile("key", path)
	if err != nil {
		return nil, err
	}
	if mode := mode.Perm(); mode&forOthers != 0 {
		return nil, fileError("key", path, fmt.Sprintf("its mode %#o opens it to everybody", mode), "chmod 600 "+path)
	}
	return text, nil
}

func keyPair(f Files, certPEM, keyPEM []byte) (tls.Certificate, error) {
	if _, err := pemfile.Certificates(certPEM); err != nil {
		return tls.Certificate{}, fileError("certificate", f.Cert, err.Error(), "put PEM there, which begins with -----BEGIN CERTIFICATE-----")
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

// valid tells of a certificate that is not valid now.
func valid(what, path string, cert *x509.Certificate, now time.Time) error {
	const fix = "issue a new one (for development: make certs)"
	switch {
	case now.After(cert.NotAfter):
		return fileError(what, path, "it expired at "+cert.NotAfter.UTC().Format(time.RFC3339), fix)
	case now.Before(cert.NotBefore):
		return fileError(what, path, "it is valid from "+cert.NotBefore.UTC().Format(time.RFC3339)+" on", "set the clock, by which it is "+now.UTC().Format(time.RFC3339)+", or "+fix)
	default:
		return nil
	}
}

// readCAs reads CAs, of which one at least is to be valid: a file holds the old and the
// new one while the one takes the other's place.
func readCAs(path string, now time.Time) ([]*x509.Certificate, error) {
	text, _, err := readFile("CA", path)
	if err != nil {
		return nil, err
	}
	const fix = "put the certificates of the CAs there that sign your peers', in PEM, and nothing else"
	cas, err := pemfile.Certificates(text)
	if err != nil {
		return nil, fileError("CA", path, err.Error(), fix)
	}
	for i, ca := range cas {
		if !maySign(ca) {
			return nil, fileError("CA", path, fmt.Sprintf("certificate %d in it, %q, may not sign others", i+1, ca.Subject), fix)
		}
	}
	for _, ca := range cas {
		if err = valid("CA", path, ca, now); err == nil {
			return cas, nil
		}
	}
	return nil, err
}

// maySign reports whether a certificate is a CA's (RFC 5280, 4.2.1.3 and 4.2.1.9).
func maySign(cert *x509.Certificate) bool {
	return cert.IsCA && (cert.KeyUsage == 0 || cert.KeyUsage&x509.KeyUsageCertSign != 0)
}

func newMaterial(pair tls.Certificate, cas []*x509.Certificate) *material {
	pool := poolOf(cas)
	// HTTP/1.1 is what Kong speaks to its upstreams. Without tickets each connection is
	// verified by the CAs of now.
	return &material{
		leaf: pair.Leaf, chain: pair.Certificate, cas: cas,
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
