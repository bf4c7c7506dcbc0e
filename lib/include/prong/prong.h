/* SPDX-License-Identifier: MIT
 *
 * libprong: TCP and unix stream servers and sockets on libev, with the object
 * model of Node.js's `net` module.
 *
 * Conventions that hold for every header:
 * - Functions return 0 or a negative code (`-errno` or PRONG_E…, error.h); a
 *   documented positive value is advice.  Constructors return NULL and set errno.
 * - Ownership: *takes* means that you no longer own it, even on failure; *borrows*
 *   that it must outlive the call or the object; *gives* that you release it.
 * - No callback is called from inside a function that you called; every callback
 *   finds a consistent object, and may close or release any object.
 * - All objects of one loop belong to the thread that runs it.
 * - SIGPIPE is never raised: every write says MSG_NOSIGNAL.
 */
#ifndef PRONG_PRONG_H
#define PRONG_PRONG_H

#include <prong/address.h>
#include <prong/block_list.h>
#include <prong/congestion.h>
#include <prong/connect.h>
#include <prong/error.h>
#include <prong/framing.h>
#include <prong/lookup.h>
#include <prong/loop.h>
#include <prong/pipe.h>
#include <prong/proxy_header.h>
#include <prong/server.h>
#include <prong/socket.h>
#include <prong/splice.h>
#include <prong/tap.h>
#include <prong/timer.h>

#endif
