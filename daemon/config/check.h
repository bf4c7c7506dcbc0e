/* SPDX-License-Identifier: MIT
 *
 * What the values of single options must be, beyond their type: the `check` of a row.
 * Each is a prongd_check.
 */
#ifndef PRONGD_CHECK_H
#define PRONGD_CHECK_H

#include <prongd/option.h>

prongd_check check_workers;
prongd_check check_user;
prongd_check check_group;
prongd_check check_path;
prongd_check check_control_socket;
prongd_check check_log_target;
prongd_check check_access_log;
prongd_check check_access_format;

prongd_check check_cpus;
prongd_check check_nice;
prongd_check check_core;
prongd_check check_descriptors;
prongd_check check_directory;

/* 0, or long enough for a loop that turns once a second. */
prongd_check check_worker_timeout;

/* An address, or a subnet as 10.0.0.0/8. */
prongd_check check_cidr;

/* The same, or "unix" for clients of unix sockets. */
prongd_check check_proxy;

/* One that the kernel has, and that this process may set. */
prongd_check check_congestion_control;

/* A duration without a fraction of a second. */
prongd_check check_seconds;

#endif
