package scrub

// minLinkToken is the length of the shortest token in a link.
const minLinkToken = 16

// links are the path segments behind which a link has the token that lets somebody in.
var links = makeLinks()

func makeLinks() *names {
	n := newNames()
	n.add(roleSecret, "reset", "reset_password", "password_reset", "reset_pw", "forgot_password", "set_password", "change_password",
		"new_password", "recover", "recovery", "unlock", "magic", "magic_link", "login_link", "signin_link", "email_login", "token", "tokens")
	n.add(roleSecret|roleWeak, "verify", "verify_email", "email_verification", "verification", "confirm", "confirm_email", "confirmation",
		"activate", "activation", "invite", "invitation", "invitations", "accept_invite", "unsubscribe", "optout")
	return n
}

// link redacts the word b[start:end] if it is the token in a link, such as that of
// /reset/5f2b... and /reset/MQ/5f2b..., and reports whether it is.
func (s *scan) link(start, end int) bool {
	if at(s.b, start-1) != '/' || end-start < minLinkToken {
		return false
	}
	slash := start - 1
	for range 2 {
		name := s.segmentEndingAt(slash)
		if links.maybe(name, len(name)) {
			if r := links.lookup(name); r != 0 && r&roleSecret != 0 {
				w := s.b[start:end]
				return !isWords(w) && contentOf(w).digits > 0 && (r&roleWeak == 0 || !isUUID(s.b, start)) && s.emit(Secret, start, end)
			}
		}
		if slash -= len(name) + 1; slash < 1 || s.b[slash] != '/' || len(name) > 8 {
			return false
		}
	}
	return false
}
