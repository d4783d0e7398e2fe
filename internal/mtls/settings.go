// Package mtls has servers and their clients prove to each other who they are, with
// certificates in files, which are read again when they change.
package mtls

import (
	"errors"
	"fmt"
)

// Files name PEM files.
type Files struct {
	Cert string // the certificate, and those of intermediate CAs after it
	Key  string // its private key, which others may not read
	CA   string // the CAs that sign it, and the peers' certificates
}

// Settings are what a server is told of mutual TLS.
type Settings struct {
	Files
	// Clients are whom the server answers.
	Clients []Name
	// Insecure is plain HTTP, and everybody is believed.
	Insecure bool
}

// insecure is what has to be said for a server to start without mutual TLS.
const insecure = "insecure"

// Variable is one that Parse reads.
type Variable struct {
	Name    string
	Unit    string // what a value is
	Meaning string
}

// Variables describes what Parse reads.
func Variables(prefix string) []Variable {
	const file = "path of a PEM file"
	return []Variable{
		{prefix + "_CERT_FILE", file, "this server's certificate. All files are read again when they change"},
		{prefix + "_KEY_FILE", file, "its private key, of mode 0600"},
		{prefix + "_CLIENT_CA_FILE", file, "the CAs that sign this certificate, and those of clients and services"},
		{prefix + "_CLIENT_NAME", "names", "whom to believe: SPIFFE URIs or DNS names in clients' certificates, with commas between them"},
		{prefix, insecure, "in place of the four above: plain HTTP, and every peer is believed"},
	}
}

// Parse reads the settings from the environment, from variables that begin with prefix.
// A server that is told of no client CA is refused, unless it is told to be insecure. The
// error has a line for each variable that is missing.
func Parse(prefix string, getenv func(string) string) (Settings, error) {
	s := Settings{Files: Files{
		Cert: getenv(prefix + "_CERT_FILE"), Key: getenv(prefix + "_KEY_FILE"), CA: getenv(prefix + "_CLIENT_CA_FILE"),
	}}
	clients := getenv(prefix + "_CLIENT_NAME")
	given := s.Cert != "" || s.Key != "" || s.CA != "" || clients != ""
	switch mode := getenv(prefix); {
	case mode == insecure && !given:
		return Settings{Insecure: true}, nil
	case mode == insecure:
		return Settings{}, fmt.Errorf("%s is insecure, and files or names are set: unset it, or all %s_ variables", prefix, prefix)
	case mode != "":
		return Settings{}, fmt.Errorf("%s is %q: set it to insecure, or leave it out", prefix, mode)
	}
	var missing []error
	for _, v := range []struct{ suffix, value, what string }{
		{"_CLIENT_CA_FILE", s.CA, "the PEM file of the CAs that sign clients' certificates"},
		{"_CERT_FILE", s.Cert, "the PEM file of this server's certificate"},
		{"_KEY_FILE", s.Key, "the PEM file of its private key"},
		{"_CLIENT_NAME", clients, "whom to believe, such as spiffe://gatehouse.test/gateway"},
	} {
		if v.value == "" {
			missing = append(missing, fmt.Errorf("%s%s is not set: set it to %s, or %s=insecure to serve plain HTTP to everybody", prefix, v.suffix, v.what, prefix))
		}
	}
	if len(missing) > 0 {
		return Settings{}, errors.Join(missing...)
	}
	var err error
	if s.Clients, err = ParseNames(clients); err != nil {
		return Settings{}, fmt.Errorf("%s_CLIENT_NAME: %w", prefix, err)
	}
	return s, nil
}
