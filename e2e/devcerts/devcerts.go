// Package devcerts makes certificates for development: a CA, and for each part of the
// sample stack a leaf that lives for days. None is ever in the repository.
package devcerts

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The names of the leaves, and of the files that hold them.
const (
	Gateway = "gateway" // what Kong shows to BFFs and services
	Edge    = "edge"    // what Kong shows to its clients
	Auth    = "auth"    // what the auth service shows to everybody
)

// trustDomain is that of the SPIFFE IDs.
const trustDomain = "gatehouse.test"

// How long certificates live, and when the next `make certs` replaces one: before it has
// a third of its life left.
const (
	caLife   = 90 * 24 * time.Hour
	leafLife = 72 * time.Hour
	// skew is for clocks that are behind.
	skew = 5 * time.Minute
)

// upstreams are the servers behind the gateway, by the host_header of their upstreams in
// kong.yaml, which is their host name in compose.yaml too.
var upstreams = []string{"web-bff", "mobile-bff", "orders", "users", "billing", "notifications"}

// SPIFFEID is the SPIFFE ID of a leaf.
func SPIFFEID(name string) string { return "spiffe://" + trustDomain + "/" + name }

// Dir is a folder of certificates: ca.pem, and NAME.pem and NAME-key.pem for each leaf.
type Dir string

// CA is the path of the CA's certificate.
func (d Dir) CA() string { return d.file("ca.pem") }

// Cert is the path of a leaf.
func (d Dir) Cert(name string) string { return d.file(name + ".pem") }

// Key is the path of a leaf's key.
func (d Dir) Key(name string) string { return d.file(name + "-key.pem") }

func (d Dir) file(name string) string { return filepath.Join(string(d), name) }

// Write makes what the folder lacks, and replaces what has less than a third of its life
// left, or is of no use to its part: run again, it rotates. With renew it makes all leaves
// anew. The CA's key is kept in the folder, for the next leaves. Say gets a line for each
// thing that was there and is not as it was.
func (d Dir) Write(now time.Time, renew bool, say func(line string)) error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("create folder of certificates: %w", err)
	}
	ca, fresh, err := d.authority(now, say)
	if err != nil {
		return err
	}
	for _, name := range slices.Concat(upstreams, []string{Auth, Gateway, Edge}) {
		if !renew && !fresh {
			why := d.unusable(ca, name, now)
			if why == nil {
				if err := d.closeKey(name, say); err != nil {
					return err
				}
				continue
			}
			if exists(d.Cert(name)) || exists(d.Key(name)) {
				say(fmt.Sprintf("%s is made anew: %v", d.Cert(name), why))
			}
		}
		if err := d.issue(ca, name, now); err != nil {
			return err
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// authority is the folder's CA, made where there is none, or anew where ours is about to
// expire. People trust it: what is there otherwise is left as it is, and is an error.
func (d Dir) authority(now time.Time, say func(string)) (ca *pair, fresh bool, err error) {
	there := exists(d.CA()) || exists(d.Key("ca"))
	if there {
		if ca, err = d.readCA(now); err != nil {
			return nil, false, fmt.Errorf("CA of development: %w: put %s and %s right, or remove both for a new CA, which is to be trusted anew", err, d.CA(), d.Key("ca"))
		}
		if now.Add(leafLife).Before(ca.cert.NotAfter) {
			return ca, false, d.closeKey("ca", say)
		}
		say(fmt.Sprintf("%s is made anew, and all leaves: it expires at %s: trust the new one where the old one was", d.CA(), ca.cert.NotAfter.UTC().Format(time.RFC3339)))
	}
	if ca, err = newPair(caTemplate(now), nil); err != nil {
		return nil, false, fmt.Errorf("make CA: %w", err)
	}
	return ca, true, ca.write(d.CA(), d.Key("ca"))
}

func (d Dir) readCA(now time.Time) (*pair, error) {
	ca, err := readPair(d.CA(), d.Key("ca"))
	switch {
	case err != nil:
		return nil, err
	case !ca.cert.IsCA:
		return nil, fmt.Errorf("%s may not sign others", d.CA())
	case now.Before(ca.cert.NotBefore):
		return nil, fmt.Errorf("%s is valid from %s on, and now is %s", d.CA(), ca.cert.NotBefore.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case ca.cert.Subject.CommonName != caName && now.Add(leafLife).After(ca.cert.NotAfter):
		return nil, fmt.Errorf("%s, which was not made here, expires at %s", d.CA(), ca.cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return ca, nil
}

// unusable says why a leaf is to be made: it is not there, or its part or the peers would
// refuse it now or soon.
func (d Dir) unusable(ca *pair, name string, now time.Time) error {
	leaf, err := readPair(d.Cert(name), d.Key(name))
	if err != nil {
		return err
	}
	want := leafTemplate(name, now)
	switch {
	case !now.Add(leafLife / 3).Before(leaf.cert.NotAfter):
		return fmt.Errorf("it expires at %s", leaf.cert.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(leaf.cert.NotBefore):
		return fmt.Errorf("it is valid from %s on", leaf.cert.NotBefore.UTC().Format(time.RFC3339))
	case leaf.cert.CheckSignatureFrom(ca.cert) != nil:
		return fmt.Errorf("%s did not sign it", d.CA())
	case !sameNames(leaf.cert, want):
		return errors.New("it has other names")
	case !slices.Equal(leaf.cert.ExtKeyUsage, want.ExtKeyUsage):
		return errors.New("it is for another use")
	}
	return nil
}

func sameNames(a, b *x509.Certificate) bool {
	uri := func(a, b *url.URL) bool { return a.String() == b.String() }
	return slices.Equal(a.DNSNames, b.DNSNames) && slices.EqualFunc(a.URIs, b.URIs, uri) && slices.EqualFunc(a.IPAddresses, b.IPAddresses, net.IP.Equal)
}

// closeKey takes from a key's mode what lets others have it: the parts refuse such a key.
func (d Dir) closeKey(name string, say func(string)) error {
	info, err := os.Stat(d.Key(name))
	if err != nil {
		return fmt.Errorf("look at key: %w", err)
	}
	mode := info.Mode().Perm()
	if mode&^keyMode == 0 {
		return nil
	}
	if err := os.Chmod(d.Key(name), mode&keyMode); err != nil {
		return fmt.Errorf("key %s: its mode %#o opens it to others: %w: have its owner chmod 600 it", d.Key(name), mode, err)
	}
	say(fmt.Sprintf("%s had the mode %#o, and now has %#o: remove it, and its certificate, if others had the chance to read it", d.Key(name), mode, mode&keyMode))
	return nil
}

// Shorten makes a leaf anew that expires at a time, as one does that nobody renews.
func (d Dir) Shorten(name string, expires time.Time) error {
	now := time.Now()
	ca, err := d.readCA(now)
	if err != nil {
		return err
	}
	template := leafTemplate(name, now)
	template.NotAfter = expires
	leaf, err := newPair(template, ca)
	if err != nil {
		return fmt.Errorf("issue certificate %s: %w", name, err)
	}
	return leaf.write(d.Cert(name), d.Key(name))
}

func (d Dir) issue(ca *pair, name string, now time.Time) error {
	leaf, err := newPair(leafTemplate(name, now), ca)
	if err != nil {
		return fmt.Errorf("issue certificate %s: %w", name, err)
	}
	return leaf.write(d.Cert(name), d.Key(name))
}
