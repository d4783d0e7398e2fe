package issuers

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/gatehousehq/gatehouse/internal/pemfile"
	"github.com/gatehousehq/gatehouse/internal/regularfile"
)

// maxDocument bounds a document, in bytes: Entra's JWKS, a large one, has some 20,000.
const maxDocument = 1 << 20

// wellKnown is what go-oidc adds to an issuer's address (OpenID Connect Discovery 1.0,
// section 4).
const wellKnown = "/.well-known/openid-configuration"

// Read gets what an issuer publishes. The error says what is wrong and what to do.
func Read(ctx context.Context, issuer Issuer) Reading {
	ctx, cancel := context.WithTimeout(ctx, issuer.Timeout)
	defer cancel()
	document, err := issuer.document(ctx)
	if err != nil {
		return Reading{Err: issuer.why(err)}
	}
	var r Reading
	r.Keys, r.Refused, r.Err = ReadKeys(document)
	return r
}

// why is err with what to do about it, where it does not say so itself.
func (i Issuer) why(err error) error {
	var ofURL *url.Error
	var ofFile *os.PathError
	var said refusal
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("there was no whole answer within %v; look whether it is up, or set timeout", i.Timeout)
	case errors.As(err, &said):
		return said
	case errors.As(err, &ofURL):
		return fmt.Errorf("%s cannot be read (%w); look whether it is up, and whether discovery, jwks and ca_file are right", ofURL.URL, ofURL.Err)
	case errors.As(err, &ofFile):
		return fmt.Errorf("%s cannot be read (%w); look whether jwks and ca_file name files that there are", ofFile.Path, ofFile.Err)
	}
	return err
}

// refusal is an error that says what to do.
type refusal struct{ error }

func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

// document is the issuer's JWKS.
func (i Issuer) document(ctx context.Context) ([]byte, error) {
	if i.JWKS != "" && !strings.Contains(i.JWKS, "://") {
		file, err := regularfile.Open(i.JWKS)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return bounded(file, i.JWKS)
	}
	client, err := i.client()
	if err != nil {
		return nil, err
	}
	place := i.JWKS
	if place == "" {
		if place, err = i.discover(ctx, client); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place, http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return bounded(res.Body, place)
}

// discover finds out where the keys are. go-oidc compares the issuer of a document with
// the address that it read it from; here an issuer may be reached elsewhere, and what the
// document says that it is has to be what its tokens say.
func (i Issuer) discover(ctx context.Context, client *http.Client) (string, error) {
	base := strings.TrimSuffix(i.Discovery, wellKnown)
	ctx = oidc.InsecureIssuerURLContext(oidc.ClientContext(ctx, client), i.ISS)
	provider, err := oidc.NewProvider(ctx, base)
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err == nil {
		err = provider.Claims(&document)
	}
	switch {
	case err != nil && client.Transport.(*reader).read:
		return "", refuse("its discovery document is malformed (%w); look what is at %s", err, base+wellKnown)
	case err != nil:
		return "", err
	case document.Issuer != i.ISS:
		return "", refuse("its discovery document says that it is %.200q; write that as iss if it is whom you mean, and else correct discovery", document.Issuer)
	case document.JWKSURI == "":
		return "", refuse("its discovery document has no jwks_uri; write where the keys are as jwks")
	}
	if err := checkURL(document.JWKSURI); err != nil {
		return "", refuse("its discovery document has a jwks_uri that is not read: %w, as jwks", err)
	}
	if strings.HasPrefix(base, "https:") && !strings.HasPrefix(document.JWKSURI, "https:") {
		return "", refuse("its discovery document has the jwks_uri %.200q, on this machine; write that as jwks if it is there", document.JWKSURI)
	}
	return document.JWKSURI, nil
}

// client believes the issuer's CAs alone, where it names some.
func (i Issuer) client() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // there is one of them a round
	transport.MaxResponseHeaderBytes = 64 << 10
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if i.CAFile != "" {
		pool, err := pemfile.Pool(i.CAFile)
		var ofFile *os.PathError
		switch {
		case errors.As(err, &ofFile):
			return nil, err
		case err != nil:
			return nil, refuse("ca_file %w; write a file of CAs in PEM", err)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{Transport: &reader{next: transport}}, nil
}

// reader answers with whole documents of a bounded size, or with an error: go-oidc reads
// whatever comes. It follows no redirect: who answers must be who was named.
type reader struct {
	next http.RoundTripper
	// read says that a document was read.
	read bool
}

// RoundTrip implements [http.RoundTripper].
func (r *reader) RoundTrip(req *http.Request) (*http.Response, error) {
	r.read = false
	res, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode/100 == 3:
		return nil, refuse("%s redirects to %.200q, and redirects are not followed; write the place itself as discovery or jwks", req.URL, res.Header.Get("Location"))
	case res.StatusCode != http.StatusOK:
		return nil, refuse("%s answers %s; look whether it is up, and whether discovery and jwks are right", req.URL, res.Status)
	}
	document, err := bounded(res.Body, req.URL.String())
	if err != nil {
		return nil, err
	}
	r.read = true
	res.Body = io.NopCloser(strings.NewReader(string(document)))
	return res, nil
}

func bounded(from io.Reader, name string) ([]byte, error) {
	document, err := io.ReadAll(io.LimitReader(from, maxDocument+1))
	if len(document) > maxDocument {
		err = cmp.Or(err, refuse("%s has more than %d bytes, which is no set of keys; look what is there", name, maxDocument))
	}
	return document, err
}
