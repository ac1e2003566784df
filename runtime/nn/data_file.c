// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Reading files that may be compressed with gzip, and saying what is wrong with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nn/data.h"
#include "nn/internal.h"

#define LINE_MAX_BYTES (64U << 20)

static int open_error(const char *path, int err)
{
	switch (err) {
	case ENOENT:
		return nn_error(-err, "%s: there is no such file", path);
	case EACCES:
	case EPERM:
		return nn_error(-err, "%s: no permission to read it; see ls -l and chmod", path);
	default:
		return nn_error(-err, "%s: %s", path, strerror(err));
	}
}

int nn_file_open(struct nn_file *file, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	memset(file, 0, sizeof(*file));
	file->path = path;
	if (fd < 0)
		return open_error(path, errno);
	file->gz = gzdopen(fd, "rb");
	if (!file->gz) {
		close(fd);
		return nn_no_memory();
	}
	gzbuffer(file->gz, 256 << 10);
	return 0;
}

void nn_file_close(struct nn_file *file)
{
	gzclose_r(file->gz);
	free(file->line);
}

/* What zlib says after a short read or a line that was not there. */
static int check(struct nn_file *file)
{
	int code;
	const char *text = gzerror(file->gz, &code);

	switch (code) {
	case Z_OK:
	case Z_STREAM_END:
		return 0;
	case Z_ERRNO:
		return open_error(file->path, errno);
	case Z_BUF_ERROR:
		return nn_error(-EBADMSG,
				"%s: the compressed file is cut off; copy or download it again",
				file->path);
	case Z_MEM_ERROR:
		return nn_no_memory();
	default:
		return nn_error(-EBADMSG,
				"%s: the compressed file is damaged (%s); copy or download it "
				"again",
				file->path, text);
	}
}

int64_t nn_file_read(struct nn_file *file, void *to, size_t len)
{
	uint8_t *at = to;
	size_t done = 0;

	while (done < len) {
		size_t left = len - done;
		int n = gzread(file->gz, at + done, left > (1U << 30) ? 1U << 30 : (unsigned)left);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done < len) {
		int err = check(file);

		if (err)
			return err;
	}
	return (int64_t)done;
}

int nn_file_peek(struct nn_file *file, uint8_t *to, size_t len)
{
	int64_t n = nn_file_read(file, to, len);

	if (n > 0 && gzrewind(file->gz))
		return nn_error(-ESPIPE,
				"%s: cannot be read twice; samples must come from a file, not from "
				"a pipe",
				file->path);
	return (int)n;
}

static int grow(struct nn_file *file)
{
	size_t size = file->line_size ? 2 * file->line_size : 4096;
	char *line = realloc(file->line, size);

	if (!line)
		return nn_no_memory();
	file->line = line;
	file->line_size = size;
	return 0;
}

int nn_file_line(struct nn_file *file)
{
	z_off_t start = gztell(file->gz);
	size_t len = 0;

	for (;;) {
		int err;

		if (file->line_size - len < 2) {
			err = file->line_size < LINE_MAX_BYTES ?
				      grow(file) :
				      nn_error(-EBADMSG,
					       "%s: not a CSV file: no end of line within %u "
					       "bytes",
					       file->path, LINE_MAX_BYTES);
			if (err)
				return err;
		}
		if (!gzgets(file->gz, file->line + len, (int)(file->line_size - len))) {
			err = check(file);
			if (err)
				return err;
			break;
		}
		len += strlen(file->line + len);
		if (len && file->line[len - 1] == '\n')
			break;
	}
	if (gztell(file->gz) - start != (z_off_t)len)
		return nn_error(-EBADMSG,
				"%s: holds a zero byte: this is neither a CSV file nor an idx file",
				file->path);
	if (!len)
		return 0;
	while (len && (file->line[len - 1] == '\n' || file->line[len - 1] == '\r'))
		file->line[--len] = '\0';
	return 1;
}
