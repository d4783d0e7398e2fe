package devgateway

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/internal/httpjson"
)

// maxConfig is nginx's client_max_body_size for Kong's admin API, in bytes.
const maxConfig = 10 << 20

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
	query := r.URL.Query()
	checkHash := query.Get("check_hash") == "1"
	query.Del("check_hash")
	if query.Encode() != "flatten_errors=1" {
		return http.StatusBadRequest, message("the dev gateway supports POST /config?flatten_errors=1 and check_hash=1 only; `make up` runs Kong")
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch mediaType {
	case "text/yaml", "application/yaml", "application/json": // JSON is YAML
	default:
		return http.StatusUnsupportedMediaType, message("Unsupported media type; the dev gateway supports text/yaml and application/json only")
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxConfig+1))
	if err != nil || len(text) > maxConfig {
		return http.StatusRequestEntityTooLarge, message("Payload too large")
	}
	if len(text) == 0 {
		return http.StatusBadRequest, message("expected a declarative configuration")
	}
	if checkHash && hash(text) == g.current.Load().hash {
		return http.StatusNotModified, nil
	}
	err = g.load(text)
	var invalid *config.Invalid
	switch {
	case errors.As(err, &invalid):
		return http.StatusBadRequest, configErrors(invalid)
	case err != nil:
		return http.StatusBadRequest, declarativeError(object{"error": err.Error()})
	default:
		return http.StatusCreated, object{}
	}
}
