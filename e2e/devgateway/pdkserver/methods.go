package pdkserver

import (
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
)

// methods are the functions of Kong's PDK that this repository's plugins call, with the
// phases that kong/pdk accepts for each. A call to any other ends as one to a method
// that Kong does not have: in a 500, and a line in the error log that names it.
var methods = map[string]method{
	"kong.client.get_credential": {exchange.AccessAndLater, true, noArg(credential)},
	"kong.client.get_consumer":   {exchange.AccessAndLater, true, noArg(consumer)},

	"kong.ctx.shared.set": {exchange.AnyPhase, true, onKV(setShared)},
	"kong.ctx.shared.get": {exchange.AnyPhase, true, onString(getShared)},

	"kong.log.alert":               {exchange.AnyPhase, true, logAt(nginxlog.Alert)},
	"kong.log.crit":                {exchange.AnyPhase, true, logAt(nginxlog.Crit)},
	"kong.log.err":                 {exchange.AnyPhase, true, logAt(nginxlog.Err)},
	"kong.log.warn":                {exchange.AnyPhase, true, logAt(nginxlog.Warn)},
	"kong.log.notice":              {exchange.AnyPhase, true, logAt(nginxlog.Notice)},
	"kong.log.info":                {exchange.AnyPhase, true, logAt(nginxlog.Info)},
	"kong.log.debug":               {exchange.AnyPhase, true, logAt(nginxlog.Debug)},
	"kong.log.set_serialize_value": {exchange.WithContext, true, onKV(setSerializeValue)},
	"kong.log.serialize":           {exchange.Log, true, text(serialize)},

	"kong.nginx.get_var": {exchange.AnyPhase, false, onString(nginxVar)},
	"kong.nginx.get_ctx": {exchange.AnyPhase, true, onString(getCtx)},

	"kong.request.get_path":    {exchange.RequestPhases, false, text(path)},
	"kong.request.get_headers": {exchange.RequestPhases, true, limited("max_headers", requestHeaders)},

	"kong.response.set_headers": {exchange.BeforeBody, false, onHeaders(setResponseHeader)},
	"kong.response.exit":        {exchange.BeforeBody, false, onMessage(exit)},

	"kong.router.get_route":   {exchange.AccessAndLater, true, noArg(route)},
	"kong.router.get_service": {exchange.AccessAndLater, true, noArg(service)},

	"kong.service.request.set_headers": {exchange.RequestChange, false, onHeaders(setRequestHeader)},
}
