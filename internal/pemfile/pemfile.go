// Package pemfile reads certificates from PEM files (RFC 7468), all that a file has or
// none: Go's own readers pass over what they cannot read, and a file that was cut off
// would be believed in part.
package pemfile

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/gatehousehq/gatehouse/internal/regularfile"
)

// marks are the first and the last line of a block, each.
var marks = regexp.MustCompile(`-----(BEGIN|END) `)

var errUnfinished = errors.New("a block in it is not whole: put all of it there, from -----BEGIN to -----END")

// ErrNone is the error of a text without a certificate.
var ErrNone = errors.New("no certificate in it")

// Certificates parses the certificates of a PEM text, of which there is one at least.
// Private keys and parameters may stand beside them; anything else is an error.
func Certificates(text []byte) (list []*x509.Certificate, err error) {
	rest, blocks := text, 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		blocks++
		switch {
		case block.Type == "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("certificate %d in it cannot be read: %w", len(list)+1, err)
			}
			list = append(list, cert)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"), strings.HasSuffix(block.Type, "PARAMETERS"):
		default:
			return nil, fmt.Errorf("block %d in it is %q, which is not read: write certificates as CERTIFICATE", blocks, block.Type)
		}
	}
	switch {
	case len(marks.FindAll(text, -1)) != 2*blocks, cutOff(rest):
		return nil, errUnfinished
	case len(list) == 0:
		return nil, ErrNone
	}
	return list, nil
}

// cutOff reports whether a text ends in the first line of a block.
func cutOff(rest []byte) bool {
	text := strings.TrimRight(string(rest), " \t\r\n")
	return strings.HasPrefix(text[strings.LastIndexByte(text, '\n')+1:], "-")
}

// Pool reads whom to believe from a file. Its error says what is wrong, with the file's
// name.
func Pool(path string) (*x509.CertPool, error) {
	text, err := regularfile.Read(path)
	if err != nil {
		return nil, err
	}
	certs, err := Certificates(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	pool := x509.NewCertPool()
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	return pool, nil
}

// Pair reads a certificate, with those of intermediate CAs after it, and its key. Its
// error says what is wrong, with a file's name.
func Pair(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := regularfile.Read(certFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := regularfile.Read(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	if _, err := Certificates(cert); err != nil {
		return tls.Certificate{}, fmt.Errorf("%s: %w", certFile, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s and %s: %w", certFile, keyFile, err)
	}
	return pair, nil
}
