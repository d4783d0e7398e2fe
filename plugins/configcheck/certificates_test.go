package configcheck_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/configcheck"
	"github.com/gatehousehq/gatehouse/plugins/pluginserver"
)

// inline makes a certificate and its key, in PEM, as a YAML string has them.
func inline(t *testing.T, until time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{NotBefore: until.Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})), "\n", `\n`)
	}
	return text("CERTIFICATE", der), text("PRIVATE KEY", keyDER)
}

const certID, caID, danglingID = "11111111-1111-5111-8111-111111111111", "22222222-2222-5222-8222-222222222222", "33333333-3333-5333-8333-333333333333"

const lettersID = "aaaaaaaa-1111-5111-8111-111111111111"

func TestCertificates(t *testing.T) {
	t.Setenv("GATE_CERT", "some")
	cert, key := inline(t, time.Now().Add(time.Hour))
	expired, expiredKey := inline(t, time.Now().Add(-time.Hour))
	base := `
certificates: [{id: ` + certID + `, cert: "` + cert + `", key: "` + key + `"}]
ca_certificates: [{id: ` + caID + `, cert: "` + cert + `"}]
`
	for _, tt := range []struct {
		name, config string
		worst        string
		want         string // the one finding; empty: none
	}{
		{"good", base + `services: [{name: s, client_certificate: {id: ` + certID + `}, ca_certificates: [` + caID + `]}]
upstreams: [{name: u, client_certificate: {id: ` + certID + `}}]
snis: [{name: localhost, certificate: {id: ` + certID + `}}]`, warning, ""},
		{"a dangling CA", base + `services: [{name: s, ca_certificates: [` + caID + `, ` + danglingID + `]}]`, mistake,
			`services[0].ca_certificates[1]: "` + danglingID + `" is no id of ca_certificates: Kong takes it`},
		{"a CA's id that is a certificate's", base + `services: [{ca_certificates: [` + certID + `]}]`, mistake, `services[0].ca_certificates[0]: "` + certID},
		{"a service's dangling certificate", base + `services: [{name: s, client_certificate: {id: ` + danglingID + `}}]`, refused, `services[0].client_certificate.id: "` + danglingID + `" is no id of certificates`},
		{"an upstream's", base + `upstreams: [{name: u, client_certificate: {id: ` + caID + `}}]`, refused, `upstreams[0].client_certificate.id: `},
		{"an SNI's", base + `snis: [{name: n, certificate: {id: ` + danglingID + `}}]`, refused, `snis[0].certificate.id: `},
		{"expired", `certificates: [{id: a, cert: "` + expired + `", key: "` + expiredKey + `"}]`, mistake, "certificates[0].cert: it expired at 20"},
		{"an expired CA", `ca_certificates: [{cert: "` + expired + `"}]`, mistake, "ca_certificates[0].cert: it expired at 20"},
		{"another's key", `certificates: [{cert: "` + cert + `", key: "` + expiredKey + `"}]`, refused, "certificates[0]: cert and key: private key does not match public key; put a pair there"},
		{"a CA in a vault", `ca_certificates: [{cert: "{vault://env/ca}"}]`, refused, "ca_certificates[0].cert: Kong takes no vault reference for a CA"},
		{"in the environment", `certificates: [{cert: "{vault://env/gate-cert}", key: "{vault://env/gate-cert/key}"}]`, warning, ""},
		{"not in the environment", `certificates: [{cert: "{vault://env/gate-cert}", key: "{vault://env/gate-key}"}]`, warning, `certificates[0].key: "{vault://env/gate-key}": the variable GATE_KEY is not set here`},
		{"by a vault's prefix", `{vaults: [{name: env, prefix: mine, config: {prefix: gate_}}], certificates: [{cert: "{vault://mine/cert}", key: "{vault://mine/cert}"}]}`, warning, ""},
		{"in another vault", `{vaults: [{name: hcv, prefix: h}], certificates: [{cert: "{vault://h/cert}", key: "{vault://h/key}"}]}`, warning, ""},
		{"in no vault", `certificates: [{cert: "` + cert + `", key: "{vault://safe/key}"}]`, mistake, `certificates[0].key: "{vault://safe/key}": there is no such vault; use env`},
		{"no reference at all", `certificates: [{cert: "` + cert + `", key: "{vault://env}"}]`, mistake, `is no reference that Kong can follow`},
		{"a certificate by its id alone", base + `services: [{name: s, client_certificate: ` + certID + `}]
snis: [{name: n, certificate: ` + certID + `}]`, warning, ""},
		{"an id alone that leads nowhere", base + `services: [{name: s, client_certificate: ` + danglingID + `}]`, refused, `services[0].client_certificate: "` + danglingID + `" is no id of certificates; add`},
		{"an upstream's id alone", base + `upstreams: [{name: u, client_certificate: ` + danglingID + `}]`, refused, `upstreams[0].client_certificate: "`},
		{"an SNI's id alone", base + `snis: [{name: n, certificate: ` + danglingID + `}]`, refused, `snis[0].certificate: "`},
		{"an empty id", base + `services: [{client_certificate: ""}]`, refused, `services[0].client_certificate: "" is no id`},
		{"no id in a mapping", base + `services: [{client_certificate: {}}]`, refused, `services[0].client_certificate.id: it is no id; write client_certificate: {id: ID}`},
		{"a name in place of an id", base + `upstreams: [{client_certificate: {name: x}}]`, refused, `upstreams[0].client_certificate.id: it is no id`},
		{"a number", base + `snis: [{certificate: 7}]`, refused, `snis[0].certificate: it is no id`},
		{"an SNI without a certificate", base + `snis: [{name: n}]`, refused, `snis[0].certificate: it is missing`},
		{"another case", `certificates: [{id: ` + lettersID + `, cert: "` + cert + `", key: "` + key + `"}]
services: [{client_certificate: {id: ` + strings.ToUpper(lettersID) + `}}]`, refused, "put its id there, letter by letter"},
		{"a CA as a mapping", base + `services: [{ca_certificates: [{id: ` + caID + `}]}]`, refused, `services[0].ca_certificates[0]: it is no UUID`},
		{"a CA by its name", base + `services: [{ca_certificates: [mine]}]`, refused, `ca_certificates[0]: it is no UUID`},
		{"a CA that is no list", base + `services: [{ca_certificates: ` + caID + `}]`, refused, `services[0].ca_certificates: it is no list`},
		{"nonsense", `{certificates: [7, {cert: 7}], ca_certificates: {}, snis: [7], services: [7]}`, warning, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checker, err := configcheck.New(options(configcheck.Options{}), pluginserver.Plugin{Name: "p", Version: "1.0.0", New: func() any { return &config{closed: new(int)} }})
			if err != nil {
				t.Fatal(err)
			}
			report := only(check(checker, tt.config), "certificate-reference", "certificate-ca-reference", "certificate-pair", "certificate-expired", "certificate-weak", "vault-reference", "vault-variable")
			if grade(report) != tt.worst || len(report.Findings) > 1 || (len(report.Findings) == 1) != (tt.want != "") {
				t.Fatalf("severity %s of %v, want %s of %q", grade(report), report.Findings, tt.worst, tt.want)
			}
			if tt.want != "" && !strings.Contains(report.Findings[0].String(), tt.want) {
				t.Errorf("finding %q, want %q", report.Findings[0], tt.want)
			}
		})
	}
}
