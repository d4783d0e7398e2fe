package identity

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Issuer says what the tokens of a consumer's keys must say, as operators write it. Kong
// finds a key by its kid and compares nothing else: without this a token that one
// issuer's key has signed may say that it is another's.
type Issuer struct {
	Consumer         string   `json:"consumer" kong:"required,len_min=1,len_max=256,shape=text" desc:"The consumer that holds the issuer's keys, by its username or id."`
	ISS              string   `json:"iss" kong:"required,len_min=1,len_max=2048,shape=text" desc:"The iss claim of the issuer's tokens, exactly."`
	Audiences        []string `json:"aud" kong:"required,set,len_min=1,each_len_max=2048,shape=text" desc:"The audiences, one of which a token's aud claim must have."`
	ClockSkewSeconds int      `json:"clock_skew_seconds" kong:"default=0,between=0|60" desc:"How far the issuer's clock may be off where exp and nbf are compared with the gateway's. Kong's jwt plugin allows for none in what its claims_to_verify names."`
}

// Fault is what is wrong with a verified token, empty if nothing is.
type Fault string

// The faults, each by what does not fit.
const (
	NoIssuer Fault = "no_issuer" // the consumer whose key verified it has no entry
	BadISS   Fault = issuerClaim
	BadAud   Fault = audClaim
	Expired  Fault = expClaim // or there is no exp
	NotYet   Fault = nbfClaim
)

// Registered claims (RFC 7519, section 4.1).
const (
	issuerClaim = "iss"
	audClaim    = "aud"
	expClaim    = "exp"
	nbfClaim    = "nbf"
)

// Faults are all that there are.
func Faults() []Fault { return []Fault{NoIssuer, BadISS, BadAud, Expired, NotYet} }

// Issuers are those whose tokens are believed. The zero value believes every token that
// Kong verified.
type Issuers struct {
	// byConsumer has a nil entry for one that is there twice.
	byConsumer map[string]*Issuer
}

// NewIssuers prepares a config's list. An error names each mistake by the entry's index
// and field. Beside it, no token is believed of a consumer that two entries name.
func NewIssuers(list []Issuer) (all Issuers, mistakes []error) {
	if len(list) == 0 {
		return all, nil
	}
	all.byConsumer = make(map[string]*Issuer, len(list))
	first := map[string]int{}
	for i, issuer := range list {
		if before, there := first[issuer.Consumer]; there {
			mistakes = append(mistakes, fmt.Errorf("[%d].consumer: %q is that of [%d], and one issuer's key would vouch for the other's tokens; give each issuer a consumer of its own", i, issuer.Consumer, before))
			all.byConsumer[issuer.Consumer] = nil
			continue
		}
		first[issuer.Consumer] = i
		all.byConsumer[issuer.Consumer] = &issuer
	}
	return all, mistakes
}

// Configured reports whether a token has to be some issuer's.
func (i Issuers) Configured() bool { return i.byConsumer != nil }

// Check is what is wrong with the token that Kong verified, if it verified one: the
// consumer whose key verified it is to have an entry, iss is to be the entry's, aud one of
// its audiences (RFC 7519, 4.1.3), and the time after nbf, if there is one, and before exp.
func (i Issuers) Check(e *Evidence, now time.Time) Fault {
	if !i.Configured() || e.Token == nil {
		return ""
	}
	issuer := i.of(e.Holder())
	if issuer == nil {
		return NoIssuer
	}
	return issuer.check(e.Token, now)
}

// of is the entry of a consumer, by its id or its username, nil if it has none. Of one that
// is there by both no token is believed, as of one that is there twice.
func (i Issuers) of(holder Consumer) *Issuer {
	if holder.ID == "" {
		return nil
	}
	byID, there := i.byConsumer[holder.ID]
	if holder.Username == "" || holder.Username == holder.ID {
		return byID
	}
	byName, named := i.byConsumer[holder.Username]
	switch {
	case there && named:
		return nil
	case there:
		return byID
	}
	return byName
}

func (i *Issuer) check(t *Token, now time.Time) Fault {
	switch at, skew := seconds(now), float64(i.ClockSkewSeconds); {
	case !slices.Equal(t.strings(issuerClaim, false), []string{i.ISS}):
		return BadISS
	case !slices.ContainsFunc(t.strings(audClaim, true), func(aud string) bool { return slices.Contains(i.Audiences, aud) }):
		return BadAud
	case t.time(expClaim, math.Inf(-1))+skew <= at:
		return Expired
	case t.has(nbfClaim) && t.time(nbfClaim, math.Inf(1))-skew > at:
		return NotYet
	}
	return ""
}

// strings are a claim's strings: itself, or those of a list if it may be one. A list with
// anything else in it has none.
func (t *Token) strings(name string, listed bool) []string {
	raw := t.claims[name]
	var list []string
	switch {
	case len(raw) > 0 && raw[0] == '"':
		list = make([]string, 1)
		if json.Unmarshal(raw, &list[0]) != nil {
			return nil
		}
	case listed && len(raw) > 0 && raw[0] == '[':
		var items []*string
		if json.Unmarshal(raw, &items) != nil || slices.Contains(items, nil) {
			return nil
		}
		for _, item := range items {
			list = append(list, *item)
		}
	}
	return list
}

// time is a claim's NumericDate (RFC 7519, section 2), in seconds since the Unix epoch, and
// otherwise if it is none.
func (t *Token) time(name string, otherwise float64) float64 {
	date, err := strconv.ParseFloat(string(t.claims[name]), 64)
	if err != nil {
		return otherwise
	}
	return date
}

func (t *Token) has(name string) bool { _, there := t.claims[name]; return there }

// seconds is a time as tokens have it.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
