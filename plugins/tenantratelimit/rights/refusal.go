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
	// it is the command in it, where the server names that, as Redis does from 7.2 on.
	Command string
	// Of is OfCommand, or what of a command that the user may run: OfKey, OfChannel.
	Of string
}

// named finds the command in "... no permissions to run the 'script|flush' command".
var named = regexp.MustCompile(`run the '([^']+)' command`)

// Parse reads the error of a command, and is false for any that is no refusal.
func Parse(err error, sent string) (Refusal, bool) {
	if err == nil {
		return Refusal{}, false
	}
	text := strings.ToLower(err.Error())
	if !strings.Contains(text, "noperm ") && !strings.Contains(text, "user executing the script can't") {
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
