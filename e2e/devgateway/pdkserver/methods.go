package pdkserver

import (
	"github.com/gatehousehq/gatehouse/e2e/devgateway/exchange"
	"github.com/gatehousehq/gatehouse/e2e/devgateway/nginxlog"
)

// methods are the functions of Kong's PDK that this repository's plugins and the
// examples of go-pdk call, with the phases that kong/pdk accepts for each. A call
// to any other ends as one to a method that Kong does not have: in a 500, and a
// line in the error log that names it.
var methods = map[string]method{
	"kong.client.get_ip":         {exchange.AnyPhase, false, text(clientIP)},
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

	"kong.request.get_method":          {exchange.RequestPhases, false, text(requestMethod)},
	"kong.request.get_path":            {exchange.RequestPhases, false, text(path)},
	"kong.request.get_path_with_query": {exchange.RequestPhases, false, text(pathWithQuery)},
	"kong.request.get_query_arg":       {exchange.RequestPhases, false, onString(queryArg)},
	"kong.request.get_query":           {exchange.RequestPhases, false, limited("max_args", query)},
	"kong.request.get_header":          {exchange.RequestPhases, true, onString(requestHeader)},
	"kong.request.get_headers":         {exchange.RequestPhases, true, requestHeaders},
	"kong.request.get_raw_body":        {exchange.BeforeContent, false, noArg(rawBody)},

	"kong.response.get_headers": {exchange.ResponsePhases, true, noArg(responseHeaders)},
	"kong.response.set_header":  {exchange.BeforeBody, false, onHeader(setResponseHeader)},
	"kong.response.add_header":  {exchange.BeforeBody, false, onHeader(addResponseHeader)},
	"kong.response.set_headers": {exchange.BeforeBody, false, onHeaders(setResponseHeader)},
	"kong.response.exit":        {exchange.BeforeBody, false, onMessage(exit)},

	"kong.router.get_route":   {exchange.AccessAndLater, true, noArg(route)},
	"kong.router.get_service": {exchange.AccessAndLater, true, noArg(service)},

	"kong.service.request.set_header":   {exchange.BeforeProxy, false, onHeader(setRequestHeader)},
	"kong.service.request.add_header":   {exchange.RequestChange, false, onHeader(addRequestHeader)},
	"kong.service.request.clear_header": {exchange.RequestChange, false, onString(clearRequestHeader)},
	"kong.service.request.set_headers":  {exchange.RequestChange, false, onHeaders(setRequestHeader)},
}
