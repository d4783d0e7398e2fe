package configcheck

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehousehq/gatehouse/internal/schema"
	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

// certificateReferences finds foreign keys of certificates that Kong refuses: those that lead
// nowhere, and what is none.
func (p *pass) certificateReferences() {
	certs := ids(p.config.Top("certificates"))
	for _, e := range p.config.Top("ca_certificates") {
		if schema.IsReference(e.Text("cert")) {
			p.found(e, at("cert"), "Kong takes no vault reference for a CA", "write its certificate here, or in an overlay")
		}
	}
	for _, e := range p.config.Top("snis") {
		if e.Fields["certificate"] == nil {
			p.found(e, at("certificate"), "it is missing", "write {id: ID} of one of certificates")
		}
		p.refer(e, "certificate", certs)
	}
	for _, kind := range []string{"services", "upstreams"} {
		for _, e := range p.config.All(kind) {
			p.refer(e, "client_certificate", certs)
		}
	}
	for _, e := range p.config.All("services") {
		p.referCAs(e)
	}
}

// ids are those of entities, as they are written: Kong compares them letter by letter.
func ids(entities []*gateway.Entity) map[string]bool {
	found := map[string]bool{}
	for _, e := range entities {
		if id := e.Text("id"); id != "" {
			found[id] = true
		}
	}
	return found
}

// refer checks a foreign key, {id: ID} or the id alone, which Kong refuses if it leads
// nowhere.
func (p *pass) refer(e *gateway.Entity, field string, known map[string]bool) {
	value, path := e.Fields[field], at(field)
	if value == nil {
		return
	}
	if key, ok := value.(map[string]any); ok {
		value, path = key["id"], path.At("id")
	}
	switch id, ok := value.(string); {
	case !ok:
		p.found(e, path, "it is no id", fmt.Sprintf("write %s: {id: ID}, of one of certificates", field))
	case !known[id]:
		p.found(e, path, fmt.Sprintf("%q is no id of certificates", id), "add the certificate or put its id there, letter by letter")
	}
}

// referCAs finds what Kong does not take for a list of ids of CAs.
func (p *pass) referCAs(e *gateway.Entity) {
	const field = "ca_certificates"
	if _, ok := e.Fields[field].([]any); e.Fields[field] != nil && !ok {
		p.found(e, at(field), "it is no list", "write [ID, …], of ids of ca_certificates")
	}
	for i, item := range gateway.List(e.Fields[field]) {
		if _, ok := caID(item); !ok {
			p.found(e, at(field, i), "it is no UUID", "write the id of one of ca_certificates as it stands there, and no mapping")
		}
	}
}

func caID(item any) (id string, ok bool) {
	id, _ = item.(string)
	return id, len(id) == 36 && uuid.Validate(id) == nil
}

// caReferences finds ids that lead to no CA, which Kong takes.
func (p *pass) caReferences() {
	known := ids(p.config.Top("ca_certificates"))
	for _, e := range p.config.All("services") {
		for i, item := range gateway.List(e.Fields["ca_certificates"]) {
			if id, ok := caID(item); ok && !known[id] {
				p.found(e, at("ca_certificates", i), fmt.Sprintf("%q is no id of ca_certificates: Kong takes it, and trusts no server by it", id), "add the CA or put its id there")
			}
		}
	}
}

// pairOf is a certificate with its key, nil where not both are in the config.
func pairOf(e *gateway.Entity) (*tls.Certificate, error) {
	cert, key := e.Text("cert"), e.Text("key")
	if cert == "" || key == "" || schema.IsReference(cert) || schema.IsReference(key) {
		return nil, nil
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	return &pair, err
}

func (p *pass) certificatePairs() {
	for _, e := range p.config.Top("certificates") {
		if _, err := pairOf(e); err != nil {
			p.found(e, nil, "cert and key: "+strings.TrimPrefix(err.Error(), "tls: "), "put a pair there that was made together, in PEM")
		}
	}
}

// eachCertificate calls do for the certificates and CAs that can be read.
func (p *pass) eachCertificate(do func(e *gateway.Entity, cert *x509.Certificate)) {
	for _, e := range p.config.Top("certificates") {
		if pair, err := pairOf(e); pair != nil && err == nil {
			do(e, pair.Leaf)
		}
	}
	for _, e := range p.config.Top("ca_certificates") {
		if block, _ := pem.Decode([]byte(e.Text("cert"))); block != nil {
			if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
				do(e, cert)
			}
		}
	}
}

func (p *pass) certificatesExpired() {
	p.eachCertificate(func(e *gateway.Entity, cert *x509.Certificate) {
		if p.Now.After(cert.NotAfter) {
			p.found(e, at("cert"), "it expired at "+cert.NotAfter.UTC().Format(time.RFC3339), "issue a new one")
		}
	})
}

var oldSignatures = []x509.SignatureAlgorithm{x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1}

// certificatesWeak finds keys and signatures that NIST SP 800-131A does not allow any more.
func (p *pass) certificatesWeak() {
	p.eachCertificate(func(e *gateway.Entity, cert *x509.Certificate) {
		switch key := cert.PublicKey.(type) {
		case *rsa.PublicKey:
			if bits := key.N.BitLen(); bits < 2048 {
				p.found(e, at("cert"), fmt.Sprintf("an RSA key of %d bits, which can be broken", bits), "issue one with at least 2048")
			}
		case *ecdsa.PublicKey:
			if bits := key.Params().BitSize; bits < 256 {
				p.found(e, at("cert"), fmt.Sprintf("an EC key of %d bits, which can be broken", bits), "issue one on P-256 or P-384")
			}
		}
		if e.Kind == "certificates" && slices.Contains(oldSignatures, cert.SignatureAlgorithm) { // nobody asks how a root signs itself
			p.found(e, at("cert"), fmt.Sprintf("it is signed with %s, which can be forged", cert.SignatureAlgorithm), "issue one that is signed with SHA-256")
		}
	})
}

// vaultReferences finds references of certificates that lead to nothing. Kong takes them all the same.
func (p *pass) vaultReferences() {
	p.eachReference(func(e *gateway.Entity, field, ref string, vault *vault, name string) {
		switch {
		case name == "":
			p.found(e, at(field), fmt.Sprintf("%q is no reference that Kong can follow", ref), "write it as {vault://env/NAME}")
		case vault == nil:
			p.found(e, at(field), fmt.Sprintf("%q: there is no such vault", ref), "use env, or add it to vaults")
		}
	})
}

// vaultVariables finds references to variables that are not set here.
func (p *pass) vaultVariables() {
	p.eachReference(func(e *gateway.Entity, field, ref string, vault *vault, name string) {
		if vault == nil || !vault.env || name == "" {
			return
		}
		variable := vault.variable(name)
		if p.Getenv(variable) == "" {
			p.found(e, at(field), fmt.Sprintf("%q: the variable %s is not set here", ref, variable), "where it is not set for Kong, Kong starts and has no certificate")
		}
	})
}

// vault is one that references lead to. before begins the variables that an env vault reads.
type vault struct {
	env    bool
	before string
}

// variable is the one that a name in an env vault is.
func (v *vault) variable(name string) string {
	return strings.ToUpper(strings.ReplaceAll(v.before+name, "-", "_"))
}

// vaults are those that references lead to, by what these begin with.
func (p *pass) vaults() map[string]*vault {
	vaults := map[string]*vault{"env": {env: true}}
	for _, e := range p.config.Top("vaults") {
		before, _ := gateway.Map(e.Fields["config"])["prefix"].(string)
		vaults[e.Text("prefix")] = &vault{e.Text("name") == "env", before}
	}
	return vaults
}

// follow is the value of a reference to a variable of here.
func (p *pass) follow(ref string) (string, error) {
	parts := reference.FindStringSubmatch(ref)
	if parts == nil {
		return "", fmt.Errorf("%q is no reference that Kong can follow: write it as {vault://env/NAME}", ref)
	}
	v := p.vaults()[parts[1]]
	if v == nil || !v.env {
		return "", fmt.Errorf("%q: only variables are read here: write {vault://env/NAME}", ref)
	}
	value := p.Getenv(v.variable(parts[2]))
	if value == "" {
		return "", fmt.Errorf("%q: the variable %s is not set here: set it as it is set for Kong", ref, v.variable(parts[2]))
	}
	return value, nil
}

var reference = regexp.MustCompile(`^\{vault://([^/?}]+)/([^/?}]+)`)

// eachReference calls do for each reference of a certificate, with its vault, nil if there is
// none, and the name in it, empty if it is no reference.
func (p *pass) eachReference(do func(e *gateway.Entity, field, ref string, vault *vault, name string)) {
	vaults := p.vaults()
	for _, e := range p.config.Top("certificates") {
		for _, field := range []string{"cert", "key"} {
			ref := e.Text(field)
			if !schema.IsReference(ref) {
				continue
			}
			if parts := reference.FindStringSubmatch(ref); parts != nil {
				do(e, field, ref, vaults[parts[1]], parts[2])
			} else {
				do(e, field, ref, nil, "")
			}
		}
	}
}
