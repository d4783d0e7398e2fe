package mtls

import (
	"crypto/x509"
	"net/http"
	"slices"

	"github.com/gatehousehq/gatehouse/internal/problem"
)

// Only serves next to the clients whose certificates bear one of the names that are
// believed. Others whom the CA vouches for get a 403: a service's certificate does not make
// it the gateway.
func (i *Identity) Only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			forbid(w)
			return
		}
		if leaf := r.TLS.PeerCertificates[0]; !bearsOne(leaf, i.clients) {
			i.logger.Warn("forbidden peer", "peer", of(leaf), "addr", r.RemoteAddr)
			forbid(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func bearsOne(cert *x509.Certificate, names []Name) bool {
	return slices.ContainsFunc(names, func(n Name) bool { return n.in(cert) })
}

func forbid(w http.ResponseWriter) {
	problem.Write(w, problem.New(problem.TypeForbiddenPeer, "Forbidden peer", http.StatusForbidden,
		"Your certificate is not that of a client of this server. Call through the gateway."))
}
