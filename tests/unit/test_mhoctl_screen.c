// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl top on a terminal, which is a pty here: what it draws, keys, resizing, and
 * that it gives the terminal back however it ends. Text alone is looked for, not
 * where it stands.
 */
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 30000
/* Of xterm: from the alternate screen back to the normal one. */
#define LEAVES_SCREEN "\033[?1049l"

/**
 * struct session - mhoctl on a terminal
 * @pid: the process
 * @fd: the terminal's other end
 * @text: all that it has written
 * @len: bytes of it
 * @seen: what has been looked at
 */
struct session {
	pid_t pid;
	int fd;
	char text[1 << 20];
	size_t len;
	size_t seen;
};

static void run_child(const char *term, const char *no_color)
{
	const char *build = getenv("MHO_BUILD");
	char path[4096];

	snprintf(path, sizeof(path), "%s/bin/mhoctl", build ? build : "build");
	setenv("TERM", term, 1);
	unsetenv("LINES");
	unsetenv("COLUMNS");
	if (no_color)
		setenv("NO_COLOR", no_color, 1);
	else
		unsetenv("NO_COLOR");
	execl(path, "mhoctl", "top", "--load", "--delay", "0.2", "emu:small", (char *)NULL);
	_exit(127);
}

static struct session *start(const char *term, const char *no_color)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct session *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->pid = forkpty(&s->fd, NULL, NULL, &size);
	assert_true(s->pid >= 0);
	if (!s->pid)
		run_child(term, no_color);
	return s;
}

/* More of what it writes; false at its end. */
static int read_more(struct session *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, PATIENCE_MS) != 1)
		fail_msg("nothing more is written; so far: %s", s->text);
	/* A screen that is drawn for long: what was looked at is not needed any more. */
	if (s->len + 4096 > sizeof(s->text)) {
		memmove(s->text, s->text + s->seen, s->len - s->seen);
		s->len -= s->seen;
		s->seen = 0;
	}
	n = read(s->fd, s->text + s->len, sizeof(s->text) - 1 - s->len);
	if (n <= 0)
		return 0;
	s->len += (size_t)n;
	s->text[s->len] = '\0';
	return 1;
}

/* Waits until it has written @text since the last time. */
static void await(struct session *s, const char *text)
{
	time_t give_up = time(NULL) + PATIENCE_MS / 1000;
	char *found;

	while (!(found = memmem(s->text + s->seen, s->len - s->seen, text, strlen(text))))
		if (time(NULL) > give_up || !read_more(s))
			fail_msg("it does not write \"%s\"", text);
	s->seen = (size_t)(found - s->text) + strlen(text);
}

static void press(struct session *s, const char *keys)
{
	assert_int_equal(write(s->fd, keys, strlen(keys)), strlen(keys));
}

/* Reads to the end, and reaps. Return: wait status. */
static int finish(struct session *s)
{
	int status;

	while (read_more(s))
		;
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	close(s->fd);
	return status;
}

static void check_restored(struct session *s)
{
	assert_non_null(memmem(s->text, s->len, LEAVES_SCREEN, strlen(LEAVES_SCREEN)));
}

static void test_keys(void **state)
{
	struct session *s = start("xterm", NULL);
	int status;

	(void)state;
	await(s, "mho small, emu:small");
	await(s, "TILES");
	await(s, "h keys, q quit");
	press(s, "h");
	await(s, "arrows scroll");
	press(s, "h");
	await(s, "every 0.2 s, by busy");
	press(s, "t");
	await(s, "MATRIX");
	press(s, "s");
	await(s, "wear");
	press(s, "+");
	await(s, "0.4 s");
	press(s, " ");
	await(s, "(paused)");
	press(s, "\033[B\033[A\033[6~\033[5~x");
	press(s, "q");
	status = finish(s);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	check_restored(s);
	free(s);
}

/* Down to where nothing fits, and up again. */
static void test_resize(void **state)
{
	static const struct winsize sizes[] = {
		{ .ws_row = 50, .ws_col = 200 }, { .ws_row = 6, .ws_col = 20 },
		{ .ws_row = 1, .ws_col = 1 },	 { .ws_row = 3, .ws_col = 7 },
		{ .ws_row = 24, .ws_col = 80 },
	};
	struct session *s = start("xterm", NULL);

	(void)state;
	await(s, "q quit");
	for (unsigned int list = 0; list < 2; list++) {
		for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			assert_int_equal(ioctl(s->fd, TIOCSWINSZ, &sizes[i]), 0);
			usleep(100000);
			press(s, "h");
		}
		s->seen = s->len;
		press(s, "t");
		await(s, list ? "TILES" : "MATRIX");
	}
	press(s, "q");
	assert_int_equal(finish(s), 0);
	free(s);
}

static void end_by(int signal)
{
	struct session *s = start("xterm", NULL);
	int status;

	await(s, "q quit");
	if (signal == SIGINT)
		press(s, "\003");
	else
		kill(s->pid, signal);
	status = finish(s);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signal);
	check_restored(s);
	free(s);
}

static void test_signals(void **state)
{
	(void)state;
	end_by(SIGINT);
	end_by(SIGTERM);
}

/* Busy tiles are yellow, which NO_COLOR leaves out. */
#define YELLOW "\033[33m"

static void test_colours(void **state)
{
	struct session *s = start("xterm", NULL);

	(void)state;
	await(s, YELLOW);
	press(s, "q");
	assert_int_equal(finish(s), 0);
	free(s);

	s = start("xterm", "1");
	await(s, "####");
	press(s, "q");
	assert_int_equal(finish(s), 0);
	assert_null(memmem(s->text, s->len, YELLOW, strlen(YELLOW)));
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_colours),
	};

	return cmocka_run_group_tests_name("mhoctl on a terminal", tests, NULL, NULL);
}
