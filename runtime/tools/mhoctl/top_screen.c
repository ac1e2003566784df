// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl top on a terminal: drawing, keys, resizing. What is drawn comes from
 * top_sample.c. Characters are ASCII, so that it looks the same everywhere.
 */
#include <errno.h>
#include <math.h>
#include <ncurses.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhoctl/top.h"

/* The first rates come sooner than the delay. */
#define FIRST_DELAY 0.5
#define HEADER_LINES 5
/* The list of programs gets at least so many lines, its heading included. */
#define CLIENT_LINES 4
#define SCROLL 5

enum colour {
	COLOUR_NONE,
	COLOUR_BUSY,
	COLOUR_FULL,
	COLOUR_BAD,
};

/**
 * struct screen - what the user has chosen
 * @top: run
 * @list: tiles as a list rather than a map
 * @paused: no samples are taken
 * @help: keys are explained
 * @scroll: first tile of the list
 * @row: next line to draw
 * @error: what taking a sample gave
 */
struct screen {
	struct top *top;
	bool list;
	bool paused;
	bool help;
	uint32_t scroll;
	int row;
	int error;
};

static volatile sig_atomic_t ended_by;

static void end(int signal)
{
	ended_by = signal;
}

/* ---- drawing ---- */

/* One line, cut off at the right edge. */
__attribute__((format(printf, 3, 4))) static void line(struct screen *s, attr_t attr,
						       const char *format, ...)
{
	char text[512];
	va_list args;

	if (s->row >= LINES - 1)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	attron(attr);
	mvaddnstr(s->row++, 0, text, COLS);
	attroff(attr);
}

static void draw_rates(struct screen *s)
{
	const struct mho_telemetry *m = &s->top->now.telemetry;
	const struct top_rates *r = &s->top->rates;
	char a[TEXT_MAX], b[TEXT_MAX], c[TEXT_MAX], d[TEXT_MAX];

	line(s, 0, "%.1f C, %s mean, %s; device time %s in %.1f s, tiles busy %s of it",
	     m->temperature_mc / 1000.0, text_si(a, m->power_mw * 1e-3, "W"),
	     text_si(b, (double)m->energy_fj * 1e-15, "J"), text_si(c, r->device_s, "s"),
	     r->seconds, top_percent(r->busy, d));
	line(s, 0, "jobs %s, vectors %s, updates %s, pulses %s", text_si(a, r->jobs, "/s"),
	     text_si(b, r->vectors, "/s"), text_si(c, r->updates, "/s"),
	     text_si(d, r->pulses, "/s"));
	line(s, m->errors || m->tiles_failed ? COLOR_PAIR(COLOUR_BAD) : 0,
	     "failed jobs %llu, resets %u; tiles: %u, %u free, %u out of service",
	     (unsigned long long)m->errors, m->resets, s->top->now.ntiles, m->tiles_free,
	     m->tiles_failed);
}

static void draw_header(struct screen *s)
{
	const struct top *top = s->top;
	const struct top_card *card = &top->now.card;
	char text[256], a[TEXT_MAX], b[TEXT_MAX];

	top_title(top, text, sizeof(text));
	line(s, A_BOLD, "%s%s", text, s->paused ? "  (paused)" : "");
	if (top->dev) {
		draw_rates(s);
		return;
	}
	if (card->sensors)
		line(s, 0, "%.1f C, %s mean, %s", card->temperature, text_si(a, card->power, "W"),
		     text_si(b, card->energy, "J"));
	line(s, COLOR_PAIR(COLOUR_BAD), "no tiles and rates: %s", top->why);
}

/* One character a tile, and its colour. */
static chtype tile_char(const struct top_tile *tile)
{
	int tenths = (int)(tile->busy * 10.0 + 0.5);

	if (tile->info.state == 2)
		return 'x' | COLOR_PAIR(COLOUR_BAD);
	if (tenths > 9)
		return '#' | COLOR_PAIR(COLOUR_FULL);
	if (tile->busy > 0.005)
		return (chtype)(tenths ? '0' + tenths : '+') | COLOR_PAIR(COLOUR_BUSY);
	return tile->info.state == 1 ? '-' : '.';
}

/* Tiles in the order of their numbers, in blocks of eight, @lines lines at most. */
static void draw_map(struct screen *s, int lines)
{
	int width = COLS - 6 > 8 ? (COLS - 6) / 9 * 8 : 8, first = s->row + 1;

	line(s, A_REVERSE, "%-*s", COLS,
	     "TILES   . free  - idle  + a little busy  1-9 tenths  # busy  x out of service");
	for (uint32_t i = 0; i < s->top->now.ntiles; i++) {
		const struct top_tile *tile = &s->top->now.tiles[i];
		int at = (int)tile->number / width, column = (int)tile->number % width;

		if (at >= lines - 1 || first + at >= LINES - 1)
			continue;
		if (!column)
			mvprintw(first + at, 0, "%4u", tile->number);
		mvaddch(first + at, 5 + column + column / 8, tile_char(tile));
	}
	s->row = first + ((int)s->top->now.ntiles + width - 1) / width;
	if (s->row > first + lines - 1)
		s->row = first + lines - 1;
}

static void draw_list(struct screen *s, int lines)
{
	uint32_t n = s->top->now.ntiles, room = lines > 1 ? (uint32_t)lines - 1 : 0;

	if (s->scroll + room > n)
		s->scroll = n > room ? n - room : 0;
	line(s, A_REVERSE, "%-*s", COLS, " TILE STATE   MATRIX    BUSY      ENERGY     WEAR  TECH");
	for (uint32_t i = s->scroll; i < n && room; i++, room--) {
		const struct top_tile *tile = &s->top->now.tiles[i];
		char busy[TEXT_MAX], energy[TEXT_MAX], wear[TEXT_MAX], matrix[TEXT_MAX] = "-";

		if (tile->info.array)
			snprintf(matrix, sizeof(matrix), "%u", tile->info.array);
		line(s, tile->info.state == 2 ? COLOR_PAIR(COLOUR_BAD) : 0,
		     "%5u %-7s %6s %7s %11s %8s  %u", tile->number, top_tile_state(tile), matrix,
		     top_percent(tile->busy, busy), text_si(energy, tile->energy, "J"),
		     top_tile_wear(tile, wear), tile->info.technology);
	}
}

static void draw_tiles(struct screen *s)
{
	int lines = LINES - 1 - (*s->top->now.card.node ? CLIENT_LINES : 0) - s->row;

	if (!s->top->now.ntiles || lines < 2)
		return;
	if (s->list)
		draw_list(s, lines);
	else
		draw_map(s, lines);
}

static void draw_clients(struct screen *s)
{
	const struct top_sample *now = &s->top->now;

	if (!*now->card.node)
		return;
	line(s, A_REVERSE, "%-*s", COLS,
	     "    PID USER          TIME/S  TOTAL TIME      MEMORY QUEUES COMMAND");
	for (unsigned int i = 0; i < now->nclients; i++) {
		const struct top_client *c = &now->clients[i];
		char rate[TEXT_MAX] = "-", total[TEXT_MAX], memory[TEXT_MAX],
		     queues[TEXT_MAX] = "-";

		if (c->known)
			text_si(rate, c->rate, "s");
		if (c->queues >= 0)
			snprintf(queues, sizeof(queues), "%d", c->queues);
		line(s, 0, "%7d %-9.9s %10s %11s %11s %6s %s", c->pid, c->user, rate,
		     text_si(total, (double)c->busy_ns * 1e-9, "s"), top_bytes(c->memory, memory),
		     queues, c->command);
	}
	if (now->hidden)
		line(s, A_DIM, "programs of other users are shown to root only");
}

static void draw_footer(struct screen *s)
{
	char name[TEXT_MAX], text[256];

	if (s->help)
		snprintf(text, sizeof(text),
			 "q quit  space pause  + - delay  s order  t list or map  arrows scroll");
	else
		snprintf(text, sizeof(text), "every %g s, by %s; h keys, q quit", s->top->delay,
			 top_sort_name(s->top->sort, name));
	attron(A_REVERSE);
	mvprintw(LINES - 1, 0, "%-*.*s", COLS - 1, COLS - 1, text);
	attroff(A_REVERSE);
}

static void draw(struct screen *s)
{
	erase();
	s->row = 0;
	draw_header(s);
	if (s->row < HEADER_LINES)
		s->row++;
	draw_tiles(s);
	draw_clients(s);
	draw_footer(s);
	refresh();
}

/* ---- keys ---- */

static void set_delay(struct top *top, double delay)
{
	if (delay >= 0.1 && delay <= 3600.0)
		top->delay = delay;
}

/* False if the user wants to leave. */
static bool take_key(struct screen *s, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case ' ':
	case 'p':
		s->paused = !s->paused;
		break;
	case '+':
		set_delay(s->top, s->top->delay * 2.0);
		break;
	case '-':
		set_delay(s->top, s->top->delay / 2.0);
		break;
	case 's':
		s->top->sort = (s->top->sort + 1) % TOP_SORTS;
		top_sort_views(s->top);
		break;
	case 't':
		s->list = !s->list;
		break;
	case 'h':
	case '?':
		s->help = !s->help;
		break;
	case KEY_DOWN:
		s->scroll++;
		break;
	case KEY_NPAGE:
		s->scroll += SCROLL;
		break;
	case KEY_UP:
		s->scroll -= s->scroll ? 1 : 0;
		break;
	case KEY_PPAGE:
		s->scroll -= s->scroll < SCROLL ? s->scroll : SCROLL;
		break;
	default:
		break;
	}
	return true;
}

/* ---- the loop ---- */

/* Milliseconds until @when. */
static int wait_until(uint64_t when)
{
	uint64_t now = top_now_ns();

	return when > now ? (int)((when - now) / 1000000) + 1 : 0;
}

static void run(struct screen *s, long iterations)
{
	uint64_t next = 0;
	long taken = 0;

	while (!ended_by && !s->error) {
		if (!s->paused && top_now_ns() >= next) {
			s->error = top_sample(s->top);
			if (s->error || (iterations && taken == iterations + 1))
				break;
			next = top_now_ns() +
			       (uint64_t)((taken ? s->top->delay :
						   fmin(s->top->delay, FIRST_DELAY)) *
					  1e9);
			taken++;
		}
		draw(s);
		timeout(s->paused ? -1 : wait_until(next));
		if (!take_key(s, getch()))
			break;
	}
}

static void set_colours(void)
{
	const char *no = getenv("NO_COLOR");

	/* https://no-color.org */
	if ((no && *no) || !has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(COLOUR_BUSY, COLOR_GREEN, -1);
	init_pair(COLOUR_FULL, COLOR_YELLOW, -1);
	init_pair(COLOUR_BAD, COLOR_RED, -1);
}

/**
 * top_screen_run() - show a card until the user leaves
 * @top: run
 * @iterations: leave after so many samples, 0 for never
 *
 * Return: enum mhoctl_exit.
 */
int top_screen_run(struct top *top, long iterations)
{
	const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = end };
	struct screen s = { .top = top };
	SCREEN *terminal;

	/* Before ncurses puts its own in place: the terminal is given back in one place only. */
	for (unsigned int i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return fail(top->call, MHOCTL_DEVICE,
			    "this terminal cannot be set up; --batch needs none");
	set_colours();
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	run(&s, iterations);
	endwin();
	delscreen(terminal);
	if (s.error)
		return fail_device(top->call, "the card cannot be watched any more", s.error);
	if (ended_by) {
		signal(ended_by, SIG_DFL);
		raise(ended_by);
	}
	return MHOCTL_OK;
}
