// Package identitytest is the table of tokens and consumers that every plugin which
// asks who is asking is tested with, so that no two of them find two answers.
package identitytest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// Case is what Kong verified of a request, and who is asking.
type Case struct {
	Name string
	// Payload is that of the verified token, as it was signed; empty: no token.
	Payload string
	// Padded says that the token's payload has base64's padding.
	Padded bool
	// Broken is a verified token that has no payload to speak of, in place of one.
	Broken string
	// Consumer and CredentialID are what Kong's auth plugin attached.
	Consumer     identity.Consumer
	CredentialID string
	// Names are the claims to look for; the zero ones are the defaults.
	Names identity.Names

	// Tenant and User are who is asking.
	Tenant, User identity.ID
}

// Token is the verified token, with a signature that nobody checks; empty if there is
// none.
func (c *Case) Token() string {
	switch {
	case c.Broken != "":
		return c.Broken
	case c.Payload == "":
		return ""
	}
	return "e30." + c.Segment(c.Payload) + ".c2ln"
}

// Segment is a payload as the token has it.
func (c *Case) Segment(payload string) string {
	if c.Padded {
		return base64.URLEncoding.EncodeToString([]byte(payload))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(payload))
}

// Evidence is what a plugin gathers.
func (c *Case) Evidence() identity.Evidence {
	return identity.Evidence{Token: identity.ReadToken(c.Token()), Consumer: c.Consumer, CredentialID: c.CredentialID}
}

// Issued is an identifier as a header tells it: what was hashed, no header tells.
func Issued(id identity.ID) string {
	if id.Hashed {
		return ""
	}
	return id.Value
}

// The consumers of the table: the one that holds the key of a token's issuer, one who
// comes with a key, and one that stands in for anonymous requests.
var (
	Issuer  = identity.Consumer{ID: "0b8e2a3c-5d1f-4a57-9c4e-1f6f7a6d2e01", Username: "web-app", CustomID: "issuers-tenant"}
	Partner = identity.Consumer{ID: "0b8e2a3c-5d1f-4a57-9c4e-1f6f7a6d2e02", Username: "globex-crm", CustomID: "globex"}
	standIn = identity.Consumer{ID: "0b8e2a3c-5d1f-4a57-9c4e-1f6f7a6d2e03", Username: "anybody", CustomID: "everybody"}
)

// Cases is the table.
func Cases() []Case { return append(Tokens(), others...) }

// Tokens is the part of the table that an issuer can sign and Kong verifies: tokens
// of [Issuer], which name no iss.
func Tokens() []Case {
	var all []Case
	for _, t := range tokens {
		t.Consumer, t.CredentialID = Issuer, "k1"
		all = append(all, t)
	}
	return all
}

func id(value string) identity.ID { return identity.ID{Value: value} }

// hashed is what stands for an identifier that is not passed on.
func hashed(raw string) identity.ID {
	sum := sha256.Sum256([]byte(raw))
	return identity.ID{Value: hex.EncodeToString(sum[:16]), Hashed: true}
}

var (
	long      = strings.Repeat("a", identity.MaxIDLength+1)
	byOrg     = identity.Names{TenantClaim: "org", UserClaim: "email"}
	dotted    = identity.Names{TenantClaim: "org.name", UserClaim: "https://id.example.com/user"}
	ofIssuer  = id(Issuer.CustomID)
	nobody    = identity.ID{}
	readsSame = "#0123456789abcdef0123456789abcdef"
)

// tokens are verified ones, of the issuer's consumer.
var tokens = []Case{
	{Name: "token", Payload: `{"tenant":"acme","sub":"u1"}`, Tenant: id("acme"), User: id("u1")},
	{Name: "names in another case, after", Payload: `{"tenant":"acme","sub":"u1","Tenant":"globex","SUB":"root"}`, Tenant: id("acme"), User: id("u1")},
	{Name: "names in another case, before", Payload: `{"Tenant":"globex","Sub":"root","tenant":"acme","sub":"u1"}`, Tenant: id("acme"), User: id("u1")},
	{Name: "names in another case alone", Payload: `{"Tenant":"globex","TENANT":"globex","Sub":"root"}`, Tenant: ofIssuer, User: nobody},
	{Name: "names in letters that fold into others", Payload: `{"\u017fub":"root","tenant":"acme"}`, Tenant: id("acme"), User: nobody},
	{Name: "numbers", Payload: `{"tenant":7,"sub":42}`, Tenant: id("7"), User: id("42")},
	{Name: "numbers as written", Payload: `{"tenant":1.50,"sub":-1E+3}`, Tenant: id("1.50"), User: id("-1E+3")},
	{Name: "numbers past any integer", Payload: `{"tenant":12345678901234567890123,"sub":-0.0}`, Tenant: id("12345678901234567890123"), User: id("-0.0")},
	{Name: "padded", Payload: `{"tenant":"acme","sub":"u22"}`, Padded: true, Tenant: id("acme"), User: id("u22")},
	{Name: "padded twice", Payload: `{"tenant":"acme","sub":"u1"}`, Padded: true, Tenant: id("acme"), User: id("u1")},
	{Name: "escapes", Payload: `{"tenant":"ac\u006de","s\u0075b":"\u0075\u0031"}`, Tenant: id("acme"), User: id("u1")},
	{Name: "one name twice", Payload: `{"tenant":"globex","sub":"root","tenant":"acme","sub":"u1"}`, Tenant: id("acme"), User: id("u1")},
	{Name: "one name twice, once with escapes", Payload: `{"tenant":"globex","t\u0065nant":"acme","sub":"u1"}`, Tenant: id("acme"), User: id("u1")},
	{Name: "one name twice, the last of no use", Payload: `{"tenant":"globex","sub":"root","tenant":null,"sub":[]}`, Tenant: ofIssuer, User: nobody},
	{Name: "white space", Payload: " {\n\t\"tenant\" : \"acme\" ,\r\n \"sub\" : 42 } ", Tenant: id("acme"), User: id("42")},
	{Name: "no sub", Payload: `{"tenant":"acme"}`, Tenant: id("acme"), User: nobody},
	{Name: "no tenant", Payload: `{"sub":"u1"}`, Tenant: ofIssuer, User: id("u1")},
	{Name: "no claims", Payload: `{}`, Tenant: ofIssuer, User: nobody},
	{Name: "empty strings", Payload: `{"tenant":"","sub":""}`, Tenant: ofIssuer, User: nobody},
	{Name: "null and booleans", Payload: `{"tenant":null,"sub":true}`, Tenant: ofIssuer, User: nobody},
	{Name: "arrays and objects", Payload: `{"tenant":["acme"],"sub":{"id":"u1"}}`, Tenant: ofIssuer, User: nobody},
	{Name: "other scripts", Payload: `{"tenant":"Ärzte e.V.","sub":"\u4f60\u597d"}`, Tenant: id("Ärzte e.V."), User: id("你好")},
	{Name: "control characters", Payload: `{"tenant":"acme\r\nX-Plan: gold","sub":"u1\u0000"}`, Tenant: hashed("acme\r\nX-Plan: gold"), User: hashed("u1\x00")},
	{Name: "characters that nobody sees", Payload: `{"tenant":"ac\u200bme","sub":"u1\u202e"}`, Tenant: hashed("ac\u200bme"), User: hashed("u1\u202e")},
	{Name: "spaces around", Payload: `{"tenant":" acme","sub":"u1 "}`, Tenant: hashed(" acme"), User: hashed("u1 ")},
	{Name: "too long", Payload: `{"tenant":"` + long + `","sub":"` + long + `b"}`, Tenant: hashed(long), User: hashed(long + "b")},
	{Name: "just not too long", Payload: `{"tenant":"` + long[1:] + `","sub":"u1"}`, Tenant: id(long[1:]), User: id("u1")},
	{Name: "what reads as a hash", Payload: `{"tenant":"` + readsSame + `","sub":"` + readsSame + `"}`, Tenant: hashed(readsSame), User: hashed(readsSame)},
	{Name: "other claims", Names: byOrg, Payload: `{"tenant":"globex","sub":"root","org":"acme","email":"u1"}`, Tenant: id("acme"), User: id("u1")},
	{Name: "other claims, not there", Names: byOrg, Payload: `{"tenant":"globex","sub":"root"}`, Tenant: ofIssuer, User: nobody},
	{Name: "names with dots", Names: dotted, Payload: `{"org":{"name":"globex"},"org.name":"acme","https://id.example.com/user":"u1"}`, Tenant: id("acme"), User: id("u1")},
	{Name: "names with dots, not there", Names: dotted, Payload: `{"org":{"name":"globex"},"sub":"root"}`, Tenant: ofIssuer, User: nobody},
}

// others are verified in another way, or not at all, or are tokens that Kong's own
// reader refuses.
var others = []Case{
	{Name: "numbers past any float", Payload: `{"tenant":1e999,"sub":-1e999}`, Tenant: id("1e999"), User: id("-1e999")},
	{Name: "half a character", Payload: `{"tenant":"acme\ud800","sub":"\udc00"}`, Tenant: hashed("acme\ufffd"), User: hashed("\ufffd")},
	{Name: "token without a consumer", Payload: `{"tenant":"acme","sub":"u1"}`, Tenant: id("acme"), User: id("u1")},
	{Name: "token without a tenant and a consumer", Payload: `{"sub":"u1"}`, User: id("u1")},
	{Name: "token without a tenant beside a stand-in", Payload: `{"sub":"u1"}`, Consumer: standIn, User: id("u1")},
	{Name: "a list for a payload", Payload: `["tenant","acme"]`, Consumer: Issuer, CredentialID: "k1", Tenant: ofIssuer},
	{Name: "a string for a payload", Payload: `"acme"`, Consumer: Issuer, CredentialID: "k1", Tenant: ofIssuer},
	{Name: "null for a payload", Payload: `null`, Consumer: Issuer, CredentialID: "k1", Tenant: ofIssuer},
	{Name: "half an object", Payload: `{"tenant":"acme","sub":"u1"`, Consumer: Issuer, CredentialID: "k1", Tenant: ofIssuer},
	{Name: "a payload in no base64", Broken: "e30.%%%.c2ln", Consumer: Issuer, CredentialID: "k1", Tenant: ofIssuer},
	{Name: "no token's shape", Broken: "acme", Consumer: Issuer, CredentialID: "k1", Tenant: ofIssuer},
	{Name: "two parts", Broken: "e30.eyJ0ZW5hbnQiOiJhY21lIn0", Consumer: Issuer, CredentialID: "k1", Tenant: ofIssuer},
	{Name: "key", Consumer: Partner, CredentialID: "k2", Tenant: id("globex"), User: id("globex-crm")},
	{Name: "key, other claims", Names: byOrg, Consumer: Partner, CredentialID: "k2", Tenant: id("globex"), User: id("globex-crm")},
	{Name: "key of a consumer without a custom_id", Consumer: identity.Consumer{ID: "c4", Username: "cron"}, CredentialID: "k4", User: id("cron")},
	{Name: "key of a consumer without a username", Consumer: identity.Consumer{ID: "c5", CustomID: "umbrella"}, CredentialID: "k5", Tenant: id("umbrella")},
	{Name: "stand-in", Consumer: standIn},
	{Name: "nobody"},
}
