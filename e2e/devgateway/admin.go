package devgateway

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/internal/httpjson"
)

type object = map[string]any

func (g *Gateway) adminHandler() http.Handler {
	return routes{
		"/config": {http.MethodPost: g.postConfig, http.MethodGet: g.getConfig},
		"/status": {http.MethodGet: g.getStatus},
	}
}

func (g *Gateway) getStatus(*http.Request) (int, object) {
	return http.StatusOK, object{"configuration_hash": g.current.Load().hash}
}

// hash is what Kong knows a configuration by: the MD5 of its text.
func hash(text []byte) string {
	sum := md5.Sum(text)
	return hex.EncodeToString(sum[:])
}

func (g *Gateway) statusHandler() http.Handler {
	return routes{
		"/status": {http.MethodGet: g.getStatus},
		"/status/ready": {http.MethodGet: func(*http.Request) (int, object) {
			return http.StatusOK, object{"message": "ready"}
		}},
	}
}

// routes are the handlers of an API by path and method. They return a status
// and what becomes the JSON of the body, nil for none.
type routes map[string]map[string]func(r *http.Request) (int, object)

func (rs routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	status, body := http.StatusNotFound, message("Not found")
	if methods, found := rs[r.URL.Path]; found {
		status, body = http.StatusMethodNotAllowed, message("Method not allowed")
		if handle := methods[r.Method]; handle != nil {
			status, body = handle(r)
		}
	}
	h := w.Header()
	h.Set("Server", exchange.ServerTokens)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Kong-Admin-Latency", strconv.FormatInt(time.Since(start).Milliseconds(), 10))
	if body == nil {
		w.WriteHeader(status)
		return
	}
	httpjson.Write(w, status, exchange.JSONType, body)
}

func message(text string) object { return object{"message": text} }

// getConfig is what runs, as a text that can be posted again. Kong writes it anew, with all
// defaults and ids in it; here it is the text that was posted.
func (g *Gateway) getConfig(*http.Request) (int, object) {
	return http.StatusOK, object{"config": string(g.current.Load().text)}
}

// postConfig replaces the configuration, or explains why not and keeps the old
// one (kong/api/routes/config.lua).
func (g *Gateway) postConfig(r *http.Request) (int, object) {
	post, status, problem := readPost(r)
	if status != 0 {
		return status, message(problem)
	}
	if post.checkHash && hash(post.text) == g.current.Load().hash {
		return http.StatusNotModified, nil
	}
	runs, err := g.loadPosted(post.text)
	var invalid *config.Invalid
	switch {
	case errors.As(err, &invalid) && post.flatten:
		return http.StatusBadRequest, configErrors(invalid)
	case errors.As(err, &invalid):
		return http.StatusBadRequest, declarativeError(errorTree(invalid))
	case err != nil:
		return http.StatusBadRequest, declarativeError(object{"error": err.Error()})
	default:
		answer := object{}
		for kind, entities := range runs.Entities {
			answer[kind] = entities
		}
		return http.StatusCreated, answer
	}
}
