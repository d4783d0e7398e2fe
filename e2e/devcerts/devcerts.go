// Package devcerts makes certificates for development: a CA, and for each part of the
// sample stack a leaf that lives for days. None is ever in the repository.
package devcerts

import (
	"fmt"
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
// left: run again, it rotates. With renew it makes all leaves anew. The CA's key is kept
// in the folder, for the next leaves.
func (d Dir) Write(now time.Time, renew bool) error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return fmt.Errorf("create folder of certificates: %w", err)
	}
	ca, fresh, err := d.authority(now)
	if err != nil {
		return err
	}
	for _, name := range slices.Concat(upstreams, []string{Auth, Gateway, Edge}) {
		if !renew && !fresh && d.lasts(name, now) {
			continue
		}
		if err := d.issue(ca, name, now); err != nil {
			return err
		}
	}
	return nil
}

// authority is the folder's CA, made where it is not or is about to expire.
func (d Dir) authority(now time.Time) (ca *pair, fresh bool, err error) {
	if ca, err := readPair(d.CA(), d.Key("ca")); err == nil && now.Add(leafLife).Before(ca.cert.NotAfter) {
		return ca, false, nil
	}
	if ca, err = newPair(caTemplate(now), nil); err != nil {
		return nil, false, fmt.Errorf("make CA: %w", err)
	}
	return ca, true, ca.write(d.CA(), d.Key("ca"))
}

// lasts reports whether a leaf is there and has a third of its life left.
func (d Dir) lasts(name string, now time.Time) bool {
	leaf, err := readPair(d.Cert(name), d.Key(name))
	return err == nil && now.Add(leafLife/3).Before(leaf.cert.NotAfter)
}

func (d Dir) issue(ca *pair, name string, now time.Time) error {
	leaf, err := newPair(leafTemplate(name, now), ca)
	if err != nil {
		return fmt.Errorf("issue certificate %s: %w", name, err)
	}
	return leaf.write(d.Cert(name), d.Key(name))
}
