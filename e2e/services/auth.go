package services

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/MicahParks/jwkset"

	"github.com/gatehousehq/gatehouse/e2e/devtoken"
	"github.com/gatehousehq/gatehouse/internal/httpjson"
	"github.com/gatehousehq/gatehouse/internal/problem"
)

// issuer is one of the auth service's: it issues tokens to one client, at the path that
// is called as the client is.
type issuer struct {
	client devtoken.Client
	name   string // iss
	first  devtoken.Key
	keys   *keyring
}

// auth is the auth service: OpenID Connect Discovery 1.0, JWKS (RFC 7517), and tokens by
// client credentials (RFC 6749, 4.4).
type auth map[string]*issuer

func newAuth() (api, error) {
	service := auth{}
	for _, name := range devtoken.Clients() {
		client := devtoken.Client(name)
		iss, err := devtoken.Issuer(client)
		if err != nil {
			return api{}, err
		}
		key, err := devtoken.DevelopmentKey(client)
		if err != nil {
			return api{}, err
		}
		service[name] = &issuer{client: client, name: iss, first: key, keys: newKeyring(key)}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{issuer}/.well-known/openid-configuration", service.of(discovery))
	mux.HandleFunc("GET /{issuer}/jwks", service.of(jwks))
	mux.HandleFunc("POST /{issuer}/token", service.of(token))
	return api{
		Handler: mux,
		route: func(r *http.Request) string {
			_, pattern := mux.Handler(r)
			_, path, _ := strings.Cut(pattern, " ")
			return path
		},
		control: map[string]http.HandlerFunc{
			"POST /{issuer}/token":  service.of(token),
			"POST /{issuer}/keys":   service.of(rotate),
			"DELETE /{issuer}/keys": service.of(restore),
		},
	}, nil
}

// of serves a request by the issuer that its path names.
func (a auth) of(serve func(*issuer, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i, ok := a[r.PathValue("issuer")]
		if !ok {
			problem.Write(w, problem.NotFound("such issuer"))
			return
		}
		serve(i, w, r)
	}
}

// discovery serves the issuer's metadata (RFC 8414, 2). The URLs in it are those of the
// server as the client calls it: its address is not its name.
func discovery(i *issuer, w http.ResponseWriter, r *http.Request) {
	base := "http://" + r.Host + "/" + string(i.client)
	if r.TLS != nil {
		base = "https" + strings.TrimPrefix(base, "http")
	}
	httpjson.Write(w, http.StatusOK, httpjson.ContentType, map[string]any{
		"issuer":                                i.name,
		"jwks_uri":                              base + "/jwks",
		"token_endpoint":                        base + "/token",
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
		"grant_types_supported":                 []string{"client_credentials"},
		"response_types_supported":              []string{},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{i.first.Method.Alg()},
	})
}

func jwks(i *issuer, w http.ResponseWriter, _ *http.Request) {
	set := jwkset.JWKSMarshal{Keys: []jwkset.JWKMarshal{}}
	for _, key := range i.keys.published(time.Now()) {
		jwk, err := jwkset.NewJWKFromKey(key.Private.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{
			ALG: jwkset.ALG(key.Method.Alg()), KID: key.ID, USE: jwkset.UseSig,
		}})
		if err != nil {
			problem.Write(w, problem.From(fmt.Errorf("write key %s: %w", key.ID, err)))
			return
		}
		set.Keys = append(set.Keys, jwk.Marshal())
	}
	httpjson.Write(w, http.StatusOK, httpjson.ContentType, set)
}

// maxSeconds bounds a lead and an overlap: a day.
const maxSeconds = 24 * 60 * 60

// rotate serves POST /{issuer}/keys?lead_seconds=…&overlap_seconds=…: see [keyring.rotate].
func rotate(i *issuer, w http.ResponseWriter, r *http.Request) {
	var lead, overlap time.Duration
	for name, into := range map[string]*time.Duration{"lead_seconds": &lead, "overlap_seconds": &overlap} {
		text := r.URL.Query().Get(name)
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 0 || seconds > maxSeconds {
			problem.Write(w, problem.InvalidParameter(name, fmt.Sprintf("%s is %q: set it to 0 to %d", name, text, maxSeconds)))
			return
		}
		*into = time.Duration(seconds) * time.Second
	}
	key, err := devtoken.NewKey(i.client)
	if err != nil {
		problem.Write(w, problem.From(err))
		return
	}
	signs, gone := i.keys.rotate(key, time.Now(), lead, overlap)
	httpjson.Write(w, http.StatusCreated, httpjson.ContentType, map[string]any{
		"kid": key.ID, "signs_from": signs.UTC(), "others_gone_at": gone.UTC(),
	})
}

// restore serves DELETE /{issuer}/keys: the development key alone, as at the start.
func restore(i *issuer, w http.ResponseWriter, _ *http.Request) {
	i.keys.reset(i.first)
	w.WriteHeader(http.StatusNoContent)
}
