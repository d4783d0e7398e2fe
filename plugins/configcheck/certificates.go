package configcheck

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

// certificates checks what Kong does not, or only when somebody connects: whether ids and
// references lead to certificates, and whether those are any good.
func (r *Report) certificates(document any) {
	root, _ := document.(map[string]any)
	certs, cas := ids(root["certificates"]), ids(root["ca_certificates"])
	vaults := vaultsOf(root["vaults"])
	each(root, "certificates", func(where string, e map[string]any) { r.certificate(where, e, vaults) })
	each(root, "ca_certificates", func(where string, e map[string]any) { r.caCertificate(where, e) })
	each(root, "snis", func(where string, e map[string]any) {
		if e["certificate"] == nil {
			r.add(Refused, where, errors.New("certificate: it is missing: write {id: ID} of one of certificates"))
		}
		r.refer(where, e, "certificate", certs)
	})
	for _, kind := range []string{"services", "upstreams"} {
		each(root, kind, func(where string, e map[string]any) { r.refer(where, e, "client_certificate", certs) })
	}
	each(root, "services", func(where string, e map[string]any) { r.referCAs(where, e["ca_certificates"], cas) })
}

// referCAs checks a list of ids, which Kong takes if they are UUIDs.
func (r *Report) referCAs(where string, of any, known map[string]bool) {
	if _, ok := of.([]any); of != nil && !ok {
		r.add(Refused, where, errors.New("ca_certificates: it is no list: write [ID, …], of ids of ca_certificates"))
	}
	for i, item := range list(of) {
		switch id, ok := item.(string); {
		case !ok || len(id) != 36 || uuid.Validate(id) != nil:
			r.add(Refused, where, fmt.Errorf("ca_certificates[%d]: it is no UUID: write the id of one of ca_certificates as it stands there, and no mapping", i))
		case !known[id]:
			r.add(Mistake, where, fmt.Errorf("ca_certificates[%d]: %q is no id of ca_certificates: Kong takes it, and trusts no server by it: add the CA or put its id there", i, id))
		}
	}
}

// each calls do for the entities of a kind, with where they are and what they are called.
func each(root map[string]any, kind string, do func(where string, entity map[string]any)) {
	for i, item := range list(root[kind]) {
		entity, ok := item.(map[string]any)
		if !ok {
			continue // Kong's to refuse
		}
		where := fmt.Sprintf("%s[%d]", kind, i)
		if name, _ := entity["name"].(string); name != "" {
			where += " " + name
		}
		do(where, entity)
	}
}

// ids are those of entities, as they are written: Kong compares them letter by letter.
func ids(of any) map[string]bool {
	found := map[string]bool{}
	for _, item := range list(of) {
		entity, _ := item.(map[string]any)
		if id, ok := entity["id"].(string); ok {
			found[id] = true
		}
	}
	return found
}

// refer checks a foreign key, {id: ID} or the id alone, which Kong refuses if it leads
// nowhere.
func (r *Report) refer(where string, entity map[string]any, field string, known map[string]bool) {
	value, name := entity[field], field
	if value == nil {
		return
	}
	if key, ok := value.(map[string]any); ok {
		value, name = key["id"], field+".id"
	}
	switch id, ok := value.(string); {
	case !ok:
		r.add(Refused, where, fmt.Errorf("%s: it is no id: write %s: {id: ID}, of one of certificates", name, field))
	case !known[id]:
		r.add(Refused, where, fmt.Errorf("%s: %q is no id of certificates: add the certificate or put its id there, letter by letter", name, id))
	}
}

func (r *Report) certificate(where string, e map[string]any, vaults map[string]string) {
	cert, _ := e["cert"].(string)
	key, _ := e["key"].(string)
	inline := true
	for _, field := range []string{"cert", "key"} {
		value, _ := e[field].(string)
		if !schema.IsReference(value) {
			continue
		}
		inline = false
		if severity, err := unresolvable(value, vaults); err != nil {
			r.add(severity, where, fmt.Errorf("%s: %w", field, err))
		}
	}
	if !inline || cert == "" || key == "" {
		return
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		r.add(Refused, where, fmt.Errorf("cert and key: %s: put a pair there that was made together, in PEM", strings.TrimPrefix(err.Error(), "tls: ")))
		return
	}
	r.expired(where, pair.Leaf)
}

func (r *Report) caCertificate(where string, e map[string]any) {
	text, _ := e["cert"].(string)
	if schema.IsReference(text) {
		r.add(Refused, where, errors.New("cert: Kong takes no vault reference for a CA: write its certificate here, or in an overlay"))
		return
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return // Kong says so itself
	}
	if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
		r.expired(where, cert)
	}
}

func (r *Report) expired(where string, cert *x509.Certificate) {
	if time.Now().After(cert.NotAfter) {
		r.add(Mistake, where, fmt.Errorf("cert: it expired at %s: issue a new one", cert.NotAfter.UTC().Format(time.RFC3339)))
	}
}

// vaultsOf are the prefixes of references, with what begins the variables that an env
// vault reads.
func vaultsOf(of any) map[string]string {
	vaults := map[string]string{"env": ""}
	for _, item := range list(of) {
		vault, _ := item.(map[string]any)
		prefix, _ := vault["prefix"].(string)
		config, _ := vault["config"].(map[string]any)
		vaults[prefix], _ = config["prefix"].(string)
		if vault["name"] != "env" {
			vaults[prefix] = elsewhere
		}
	}
	return vaults
}

// elsewhere marks a vault of which nothing is known here.
const elsewhere = "\x00"

var reference = regexp.MustCompile(`^\{vault://([^/?}]+)/([^/?}]+)`)

// unresolvable says why a reference leads to nothing. Kong takes it all the same.
func unresolvable(ref string, vaults map[string]string) (Severity, error) {
	parts := reference.FindStringSubmatch(ref)
	if parts == nil {
		return Mistake, fmt.Errorf("%q is no reference that Kong can follow: write it as {vault://env/NAME}", ref)
	}
	before, known := vaults[parts[1]]
	name := strings.ToUpper(strings.ReplaceAll(before+parts[2], "-", "_"))
	switch {
	case !known:
		return Mistake, fmt.Errorf("%q: there is no vault %q: use env, or add it to vaults", ref, parts[1])
	case before == elsewhere:
		return Warning, nil
	case os.Getenv(name) == "":
		return Warning, fmt.Errorf("%q: the variable %s is not set here: where it is not set for Kong, Kong starts and has no certificate", ref, name)
	default:
		return Warning, nil
	}
}
