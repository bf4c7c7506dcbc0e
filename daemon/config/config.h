/* SPDX-License-Identifier: MIT
 *
 * The configuration: loaded once, never changed afterwards.  A reload loads another one.
 */
#ifndef PRONGD_CONFIG_H
#define PRONGD_CONFIG_H

#include <prong/address.h>
#include <prongd/handler.h>
#include <prongd/option.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct module;

/* Whom workers become where root started the daemon and said nothing else. */
#define CONFIG_DEFAULT_USER "nobody"

/* The [prongd] section. */
struct config_daemon {
    struct prongd_list include;        /* as written; the files are read already */
    char *workers;                     /* "auto" or a number; config_workers() tells how many */
    char *user;                        /* NULL: "nobody" when started as root */
    char *group;                       /* NULL: the user's own */
    char *pid_file;                    /* NULL: none */
    char *control_socket;              /* NULL ("none"): none; "@name" is abstract */
    int log_level;                     /* enum log_level: the choices stand in that order */
    char *log_target;                  /* "auto", "stderr", "syslog", or a file's absolute path */
    int log_format;                    /* enum log_format: the choices stand in that order */
    struct prongd_list metrics_listen; /* as written */
    uint64_t shutdown_timeout_ms;
    uint64_t ready_timeout_ms;
    uint64_t handoff_timeout_ms;
    uint64_t canary_ms;         /* 0: none */
    uint64_t worker_timeout_ms; /* 0: none */
    uint64_t max_respawns;
    bool rebalance;
    char *module_directory;          /* NULL: that of the installation */
    struct prongd_list cpu_affinity; /* an item for each slot, over and over; empty: any CPU */
    char *nice;                      /* a number; NULL: as the master */
    char *rlimit_core;               /* config_core_size() */
    char *rlimit_nofile;             /* config_descriptors() */
    uint64_t umask;                  /* of workers */
    char *chroot;                    /* NULL: none */
    bool no_new_privs;
    uint64_t max_memory_bytes;              /* that wait for clients; 0: no limit */
    uint64_t worker_max_connections_served; /* 0: no limit, as for the next two */
    uint64_t worker_max_memory_bytes;
    uint64_t worker_max_age_ms;
};

/* One address of a `listen` list. */
struct config_listen {
    struct prong_address address; /* a host name was resolved while loading */
    bool any_host;                /* "*:port": IPv6 and IPv4 together where IPv6 exists */
    const char *given; /* of systemd:NAME the name, in the list's item: no address then */
};

/* Who accepts.  In the order of the option's choices, as the next one. */
enum config_accept {
    CONFIG_ACCEPT_BALANCED, /* the gate */
    CONFIG_ACCEPT_SHARED,   /* the kernel decides */
    CONFIG_ACCEPT_REUSEPORT /* each worker has a handle of its own */
};

/* What becomes of connections whose worker is replaced. */
enum config_on_reload { CONFIG_ON_RELOAD_MOVE, CONFIG_ON_RELOAD_DRAIN, CONFIG_ON_RELOAD_CLOSE };

/* Whom allow and deny concern, and how a client that is refused is sent away. */
enum config_enforce { CONFIG_ENFORCE_NEW, CONFIG_ENFORCE_ESTABLISHED };
enum config_excess { CONFIG_EXCESS_WAIT, CONFIG_EXCESS_CLOSE, CONFIG_EXCESS_RESET };

/* A [server NAME] section. */
struct config_server {
    char *name;
    struct prongd_list listen; /* as written */
    struct config_listen *addresses;
    size_t address_count;
    uint64_t socket_mode; /* of unix sockets; 0: by umask */
    char *socket_owner;
    char *socket_group;
    bool ipv6_only;
    char *handler_name;
    const struct prongd_handler *handler;
    const struct module *module; /* whose handler it is: without functions; NULL: built in */
    void *handler_config;        /* handler->config_size bytes; NULL when that is 0 */
    uint64_t backlog;
    char *congestion_control; /* NULL: the system's */
    bool allow_half_open;
    bool pause_on_connect;
    uint64_t max_connections;             /* of the whole service; 0: no limit */
    uint64_t max_connections_per_address; /* 0: no limit, as for the next one */
    uint64_t max_rate_per_address;
    uint64_t address_prefix_v4;
    uint64_t address_prefix_v6;
    int excess;               /* enum config_excess */
    struct prongd_list allow; /* CIDR; empty: everybody */
    struct prongd_list deny;
    int enforce;                            /* enum config_enforce */
    struct prongd_list proxy_protocol_from; /* CIDR, or "unix"; empty: nobody speaks for others */
    uint64_t proxy_protocol_timeout_ms;
    bool shadow;
    uint64_t timeout_ms; /* 0: none, as for the next two */
    uint64_t first_byte_timeout_ms;
    uint64_t lifetime_ms;
    uint64_t write_timeout_ms;
    uint64_t linger_ms;
    bool no_delay;
    bool keep_alive;
    uint64_t keep_alive_idle_ms;
    uint64_t keep_alive_interval_ms;
    uint64_t keep_alive_count;
    uint64_t user_timeout_ms;
    uint64_t high_water_mark_bytes;
    uint64_t max_write_queue_bytes; /* 0: no limit */
    char *access_log;               /* "none", "syslog", "log", or a path: config_access_path() */
    char *access_format;            /* "text", "json", or a template */
    bool access_refused;
    int accept;         /* enum config_accept */
    int balance_metric; /* enum gate_metric: the choices stand in that order */
    int on_reload;      /* enum config_on_reload */
    uint64_t close_spread_ms;
    uint64_t broadcast_buffer_bytes;
    uint64_t shared_memory_bytes; /* 0: as the handler says */
};

struct config {
    char *file;
    struct config_daemon daemon;
    struct config_server **servers; /* in the order of the file */
    size_t server_count;
    struct config_server *metrics; /* the addresses of metrics_listen; NULL: none */
    struct module **modules;       /* each file once */
    size_t module_count;
    struct config_origin *origins; /* where each value came from; for config_dump() */
    size_t origin_count;
};

/* What was wrong, line by line, ready to be shown: "FILE:LINE: [section] option: …\n".
 * All problems of a file in one run.  `system`: one of them was the system's fault (a file that
 * cannot be read), not the configuration's: exit status 1 instead of 2. */
struct config_problems {
    char *text; /* NULL: none */
    size_t count;
    bool system;
};

void config_problems_clear(struct config_problems *problems);

/* Loads `file`.  `handlers` (ends with NULL, borrowed for the life of the configuration) are
 * those that `handler =` may name; their rows are allowed in their servers' sections.
 * Gives a configuration, or NULL and at least one problem; clear the problems in both cases. */
struct config *config_load(const char *file, const struct prongd_handler *const *handlers,
                           struct config_problems *problems);

/* The same from what `stream` holds; `name` is the file's in messages.  Does not close it. */
struct config *config_load_stream(FILE *stream, const char *name,
                                  const struct prongd_handler *const *handlers,
                                  struct config_problems *problems);

/* Accepts NULL. */
void config_free(struct config *config);

/* The number of workers: `workers = auto` counts the CPUs of the affinity mask, limited by the
 * cgroup's cpu.max (rounded up); at least 1. */
unsigned config_workers(const struct config *config);

/* The file of this server's access log; NULL: it goes elsewhere, or nowhere. */
const char *config_access_path(const struct config_server *server);
bool config_has_access_log(const struct config_server *server);

/* rlimit_core in bytes, or UINT64_MAX for unlimited; false: as it is. */
bool config_core_size(const struct config *config, uint64_t *bytes);

/* rlimit_nofile; 0: as many as there may be. */
uint64_t config_descriptors(const struct config *config);

/* The effective configuration as a file that loads to the same, each value with its origin in
 * a comment ("# default" or "# FILE:LINE"). */
void config_dump(const struct config *config, FILE *stream);

#endif
