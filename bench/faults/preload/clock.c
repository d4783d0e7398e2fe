// gettimeofday for a redis-server whose clock is wrong: ahead by as many seconds as the
// eight bytes of the file say that CLOCK_AHEAD_FILE names. Redis asks no other function for
// the time of day.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

__attribute__((constructor)) static void open_clock(void) {
	const char *path = getenv("CLOCK_AHEAD_FILE");
	int fd = path ? open(path, O_RDONLY) : -1;
	void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		abort();
	ahead = map;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
	int failed = syscall(SYS_gettimeofday, tv, tz);
	if (!failed && tv)
		tv->tv_sec += *ahead;
	return failed;
}
