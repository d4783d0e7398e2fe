package rights

import (
	"regexp"
	"strings"
)

// What a server refuses a user.
const (
	OfCommand = "command"
	OfKey     = "key"
	OfChannel = "channel"
)

// Refusal is a server's no to a user that its ACL does not let do something.
type Refusal struct {
	// Command is what was refused in small letters, a subcommand after "|". In a script
	// it is the command in it, where the server names that, as Redis does from 7.2 on, and Valkey.
	Command string
	// Of is OfCommand, or what of a command that the user may run: OfKey, OfChannel.
	Of string
}

// refusing finds a refusal: of a command, and of one in a script, as Redis 7.0 says it
// and as later ones and Valkey do.
var refusing = regexp.MustCompile(`noperm |acl failure in script|user executing the script can't`)

// named finds the command in "... no permissions to run the 'script|flush' command".
var named = regexp.MustCompile(`run the '([^']+)' command`)

// Parse reads the error of a command, and is false for any that is no refusal.
func Parse(err error, sent string) (Refusal, bool) {
	if err == nil {
		return Refusal{}, false
	}
	text := strings.ToLower(err.Error())
	if !refusing.MatchString(text) {
		return Refusal{}, false
	}
	r := Refusal{Command: strings.ToLower(sent), Of: OfCommand}
	switch match := named.FindStringSubmatch(text); {
	case match != nil:
		r.Command = match[1]
	case strings.Contains(text, "run this command"), strings.Contains(text, "run the "):
	case strings.Contains(text, "channel"):
		r.Of = OfChannel
	case strings.Contains(text, "key"):
		r.Of = OfKey
	}
	return r, true
}
