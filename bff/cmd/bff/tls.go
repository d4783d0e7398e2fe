package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

// tlsConfig reads f's files. A client certificate is verified if there is one;
// that there is one is onlyPeer's to see, so that a probe without any can still
// ask for health.
func tlsConfig(f tlsFiles) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("read BFF_TLS_CERT_FILE %s and BFF_TLS_KEY_FILE %s: %w", f.cert, f.key, err)
	}
	pem, err := os.ReadFile(f.clientCA)
	if err != nil {
		return nil, fmt.Errorf("read BFF_TLS_CLIENT_CA_FILE: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read BFF_TLS_CLIENT_CA_FILE %s: no PEM certificate in it", f.clientCA)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{cert},
		ClientCAs:    roots,
		ClientAuth:   tls.VerifyClientCertIfGiven,
	}, nil
}

// onlyPeer serves next to peers whose certificate was verified and, if name is
// not empty, bears it as a DNS name. The identity headers are believed from
// nobody else.
func onlyPeer(next http.Handler, name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isPeer(r.TLS, name) {
			problem.Write(w, problem.New(problem.TypeForbiddenPeer, "Forbidden peer", http.StatusForbidden,
				"Only the gateway is served here, by its client certificate. Call through the gateway."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isPeer(state *tls.ConnectionState, name string) bool {
	if state == nil || len(state.VerifiedChains) == 0 {
		return false
	}
	return name == "" || state.PeerCertificates[0].VerifyHostname(name) == nil
}
