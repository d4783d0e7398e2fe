package main

import (
	"log/slog"
	"strings"
	"syscall"
)

// warnOfOwner says that Kong's workers cannot connect, where a socket is root's alone: a Kong
// that root starts has workers of another user. It is not known where the socket is that a
// parent passed on from another path, and of a Kong whose kong.conf has nginx_user = root.
func warnOfOwner(logger *slog.Logger, socket string, getenv func(string) string) {
	var info syscall.Stat_t
	if syscall.Stat(socket, &info) != nil || !rootAlone(&info) || workersAreRoot(getenv("KONG_NGINX_USER")) {
		return
	}
	logger.Warn("the socket is root's alone, and every request is a 500 where Kong's workers are another user (kong, or nobody, or what nginx_user says); run this process as that user, or give the folder of the socket a group that it is in (chgrp GROUP FOLDER; chmod g+s FOLDER) and start again",
		"socket", socket)
}

// rootAlone is true for what nobody but root, user or group, may write to.
func rootAlone(info *syscall.Stat_t) bool {
	const othersWrite = 0o002
	return info.Uid == 0 && info.Gid == 0 && info.Mode&othersWrite == 0
}

// workersAreRoot is what the variable of Kong's nginx_user, a user and a group, says.
func workersAreRoot(nginxUser string) bool {
	user, _, _ := strings.Cut(strings.TrimSpace(nginxUser), " ")
	return user == "root"
}
