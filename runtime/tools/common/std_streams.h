/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Standard input, output and error of a tool that was started with some of them closed.
 */
#ifndef MHO_TOOLS_STD_STREAMS_H
#define MHO_TOOLS_STD_STREAMS_H

/*
 * Takes the descriptors 0 to 2 that are closed, so that no file of the library, such as a device's
 * state, gets one of them and then what is printed. To be called first in main().
 */
void std_streams_reserve(void);

#endif
