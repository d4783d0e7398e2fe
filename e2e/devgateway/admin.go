package devgateway

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/e2e/devgateway/config"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
)

// maxConfig is nginx's client_max_body_size for Kong's admin API.
const maxConfig = 10 << 20

type object = map[string]any

func (g *Gateway) adminHandler() http.Handler {
	return routes{
		"/":       {http.MethodGet: g.getNode},
		"/status": {http.MethodGet: g.getStatus},
		"/config": {http.MethodGet: g.getConfig, http.MethodPost: g.postConfig},
	}
}

func (g *Gateway) statusHandler() http.Handler {
	return routes{
		"/status":       {http.MethodGet: g.getStatus},
		"/status/ready": {http.MethodGet: getReady},
	}
}

// routes are the handlers of an API by path and method. They return a status
// and what becomes the JSON of the body.
type routes map[string]map[string]func(r *http.Request) (int, any)

func (rs routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	status, body := http.StatusNotFound, any(object{"message": "Not found"})
	if methods, found := rs[r.URL.Path]; found {
		status, body = http.StatusMethodNotAllowed, object{"message": "Method not allowed"}
		if handle := methods[r.Method]; handle != nil {
			status, body = handle(r)
		}
	}
	h := w.Header()
	h.Set("Server", exchange.ServerTokens)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Kong-Admin-Latency", strconv.FormatInt(time.Since(start).Milliseconds(), 10))
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body) // the client may be gone
	}
}

func (g *Gateway) getNode(*http.Request) (int, any) {
	hostname, _ := os.Hostname()
	snap, available := g.current.Load(), object{}
	for _, p := range snap.config.Plugins {
		version := exchange.Version
		if p.Info != nil {
			version = p.Info.Version
		}
		available[p.Name] = object{"version": version, "priority": p.Priority()}
	}
	return http.StatusOK, object{
		"tagline":       "Welcome to kong",
		"version":       exchange.Version,
		"edition":       "community",
		"hostname":      hostname,
		"node_id":       g.nodeID,
		"plugins":       object{"available_on_server": available, "enabled_in_cluster": append([]string{}, snap.chain.order...)},
		"configuration": object{"database": "off", "declarative_config": g.opts.ConfigFile, "router_flavor": "traditional_compatible"},
		"pids":          object{"master": os.Getpid(), "workers": []int{os.Getpid()}},
	}
}

func (g *Gateway) getStatus(*http.Request) (int, any) {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	heap := strconv.FormatFloat(float64(mem.HeapAlloc)/(1<<20), 'f', 2, 64) + " MiB"
	total := g.stats.requests.Load()
	return http.StatusOK, object{
		"memory": object{
			"workers_lua_vms":  []object{{"pid": os.Getpid(), "http_allocated_gc": heap}},
			"lua_shared_dicts": object{},
		},
		"server": object{
			"connections_accepted": g.stats.accepted.Load(),
			"connections_handled":  g.stats.accepted.Load(),
			"connections_active":   g.stats.active.Load(),
			"total_requests":       total,
		},
		"configuration_hash": g.current.Load().config.Hash,
	}
}

func getReady(*http.Request) (int, any) { return http.StatusOK, object{"message": "ready"} }

func (g *Gateway) getConfig(*http.Request) (int, any) {
	return http.StatusOK, object{"config": string(g.current.Load().text)}
}

// postConfig replaces the configuration, or explains why not and keeps the old
// one (kong/api/routes/config.lua).
func (g *Gateway) postConfig(r *http.Request) (int, any) {
	text, status, problem := configText(r)
	if problem != nil || status != 0 {
		return status, problem
	}
	hash := config.Hash(text)
	if r.URL.Query().Get("check_hash") == "1" && hash == g.current.Load().config.Hash {
		return http.StatusNotModified, nil
	}
	err := g.load(text)
	var invalid *config.Invalid
	switch {
	case errors.As(err, &invalid):
		return http.StatusBadRequest, configErrors(invalid, truthy(r.URL.Query().Get("flatten_errors")))
	case err != nil:
		return http.StatusBadRequest, declarativeError(object{"error": err.Error()})
	default:
		return http.StatusCreated, g.current.Load().config.Entities()
	}
}

// configText finds the configuration in a request: the body, or its field
// "config".
func configText(r *http.Request) (text []byte, status int, problem any) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxConfig+1))
	if err != nil || len(body) > maxConfig {
		return nil, http.StatusRequestEntityTooLarge, object{"message": "Payload too large"}
	}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch mediaType {
	case "application/json":
		var fields map[string]any
		if json.Unmarshal(body, &fields) != nil {
			return nil, http.StatusBadRequest, object{"message": "Cannot parse JSON body"}
		}
		if config, ok := fields["config"].(string); ok && fields["_format_version"] == nil {
			return []byte(config), 0, nil
		}
	case "text/yaml", "application/yaml":
	case "":
		if len(body) > 0 {
			return nil, http.StatusUnsupportedMediaType, object{"message": "Unsupported media type"}
		}
	default:
		return nil, http.StatusUnsupportedMediaType, object{
			"message": "Unsupported media type; the dev gateway takes application/json, text/yaml and application/yaml",
		}
	}
	if len(body) == 0 {
		return nil, http.StatusBadRequest, object{"message": "expected a declarative configuration"}
	}
	return body, 0, nil
}

func truthy(v string) bool {
	switch strings.ToLower(v) {
	case "true", "1", "on", "yes":
		return true
	default:
		return false
	}
}
