/* SPDX-License-Identifier: MIT
 *
 * Every option of the daemon and of a server, one row each.
 *
 * The file's parser, the limits, -T, the sample file and the manual page follow from the rows; a
 * new option needs a row here and the member that it fills in config.h.  Numbers that the
 * library keeps in 32 bits have limits that fit.
 */
#include "options.h"

#include <string.h>

#include "check.h"
#include "config.h"
#include "listen_item.h"

#define ITEMS(array) (sizeof(array) / sizeof((array)[0]))

#define MINUTE (60 * UINT64_C(1000))
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define GIB    (UINT64_C(1) << 30)

/* In the order of enum log_level. */
static const char *const log_levels[] = {"error", "warning", "notice", "info", "debug", NULL};

/* In the order of enum log_format. */
static const char *const log_formats[] = {"text", "json", NULL};

static const struct prongd_option daemon_rows[] = {
    {PRONGD_LIST(struct config_daemon, include), "prongd", "include", .example = "conf.d/*.conf",
     .help = "Files that are read as if they stood at the end of this one, in the order of their "
             "names, which are relative to this file; a pattern may match nothing."},
    {PRONGD_TEXT(struct config_daemon, workers), "prongd", "workers", .fallback = "auto",
     .check = check_workers,
     .help = "How many worker processes serve the clients: a number, or auto for one on each CPU "
             "that prongd may use."},
    {PRONGD_TEXT(struct config_daemon, user), "prongd", "user", .example = "nobody",
     .check = check_user,
     .help = "The user, by name or number, that the workers become when prongd is started as "
             "root: nobody, unless another is written, be it root."},
    {PRONGD_TEXT(struct config_daemon, group), "prongd", "group", .example = "nogroup",
     .check = check_group,
     .help = "The group, by name or number, that the workers get when prongd is started as root: "
             "the user's own, unless another is written."},
    {PRONGD_TEXT(struct config_daemon, pid_file), "prongd", "pid_file",
     .example = "/run/prongd.pid", .check = check_path, .change = PRONGD_CHANGE_RESTART,
     .help = "The file, by its absolute path, that holds the process id of the master while it "
             "runs."},
    {PRONGD_TEXT(struct config_daemon, control_socket), "prongd", "control_socket",
     .fallback = "/run/prong/control.sock", .check = check_control_socket,
     .change = PRONGD_CHANGE_RESTART,
     .help = "The unix socket on which the master answers prongctl: an absolute path, @NAME for "
             "an abstract name, or none."},
    {PRONGD_CHOICE(struct config_daemon, log_level), "prongd", "log_level", .fallback = "notice",
     .choices = log_levels, .change = PRONGD_CHANGE_LIVE,
     .help = "How much is logged: this level and those that are more urgent."},
    {PRONGD_TEXT(struct config_daemon, log_target), "prongd", "log_target", .fallback = "auto",
     .check = check_log_target, .change = PRONGD_CHANGE_LIVE,
     .help = "Where the log goes: stderr, syslog, a file's absolute path, or auto for syslog when "
             "prongd runs detached and stderr otherwise."},
    {PRONGD_CHOICE(struct config_daemon, log_format), "prongd", "log_format", .fallback = "text",
     .choices = log_formats, .change = PRONGD_CHANGE_LIVE,
     .help = "How a line of the log is written: text is the event and then key=value, json an "
             "object with the members time, level, process, pid, event, error and fields."},
    {PRONGD_LIST(struct config_daemon, metrics_listen), "prongd", "metrics_listen",
     .example = "127.0.0.1:9117", .check = listen_item_check,
     .help =
         "The addresses on which a process of its own answers HTTP: / is a page about the "
         "service, /metrics is for Prometheus, /healthz and /readyz for a supervisor or a load "
         "balancer; it has no password, and the page shows addresses of clients and upstreams."},
    {PRONGD_DURATION(struct config_daemon, shutdown_timeout_ms), "prongd", "shutdown_timeout",
     .fallback = "30s", .most = DAY, .change = PRONGD_CHANGE_LIVE,
     .help = "How long clients may go on when prongd stops, before their connections are "
             "closed."},
    {PRONGD_DURATION(struct config_daemon, ready_timeout_ms), "prongd", "ready_timeout",
     .fallback = "30s", .least = 100, .most = HOUR,
     .help = "How long a new worker may take until it is ready to serve."},
    {PRONGD_DURATION(struct config_daemon, handoff_timeout_ms), "prongd", "handoff_timeout",
     .fallback = "5s", .most = HOUR,
     .help = "How long a handler may put off the move of a connection to another worker, to wait "
             "for the end of a message; after that it moves all the same."},
    {PRONGD_DURATION(struct config_daemon, canary_ms), "prongd", "canary", .fallback = "0",
     .most = HOUR,
     .help = "How long the first worker of a reload serves beside the old ones before the others "
             "start: when it ends, hangs, or its connections fail more often, the reload is "
             "refused; 0 starts all at once."},
    {PRONGD_DURATION(struct config_daemon, worker_timeout_ms), "prongd", "worker_timeout",
     .fallback = "60s", .most = DAY, .check = check_worker_timeout, .change = PRONGD_CHANGE_LIVE,
     .help = "A worker whose loop has not turned for so long hangs: it is aborted, which writes a "
             "core file where rlimit_core allows it, and replaced; a keeper of exec that has not "
             "answered for so long leaves clients to another one; 0 sets no limit."},
    {PRONGD_COUNT(struct config_daemon, max_respawns), "prongd", "max_respawns", .fallback = "5",
     .most = 1000,
     .help = "How often in a row a worker may end within 5 s of being ready before its place rests "
             "for a minute; the last place that serves rests for a second at most."},
    {PRONGD_TEXT(struct config_daemon, module_directory), "prongd", "module_directory",
     .example = "/usr/local/lib/prong/modules", .check = check_path,
     .help =
         "Where handlers are looked for that are not built in: handler = chat is chat.so in this "
         "directory, which is that of the installation unless another is written."},
    {PRONGD_LIST(struct config_daemon, cpu_affinity), "prongd", "cpu_affinity", .example = "auto",
     .check = check_cpus,
     .help =
         "The CPUs that workers run on: auto for one each, or a list with an item, as 0 or 0-3, "
         "for each worker in turn; any, unless it is written."},
    {PRONGD_TEXT(struct config_daemon, nice), "prongd", "nice", .example = "5", .check = check_nice,
     .help = "The priority of the workers, from -20, the highest, which only root can give, to 19: "
             "the master's own, unless another is written."},
    {PRONGD_TEXT(struct config_daemon, rlimit_core), "prongd", "rlimit_core", .fallback = "auto",
     .check = check_core,
     .help =
         "How large a worker's core file may be: a size, unlimited, or auto for what prongd was "
         "started with; but when workers change their user, auto writes none."},
    {PRONGD_TEXT(struct config_daemon, rlimit_nofile), "prongd", "rlimit_nofile",
     .fallback = "auto", .check = check_descriptors,
     .help = "How many descriptors a worker may have: a number, or auto for as many as the system "
             "allows."},
    {PRONGD_MODE(struct config_daemon, umask), "prongd", "umask", .fallback = "0027", .most = 0777,
     .help = "The permissions that files of the workers' handlers do not get."},
    {PRONGD_TEXT(struct config_daemon, chroot), "prongd", "chroot", .example = "/srv",
     .check = check_directory,
     .help = "The directory that becomes the root of the workers when prongd is started as root; "
             "handlers find only files below it."},
    {PRONGD_BOOLEAN(struct config_daemon, no_new_privs), "prongd", "no_new_privs",
     .fallback = "yes",
     .help = "Whether no program that a worker runs can get more rights, as sudo does."},
    {PRONGD_BOOLEAN(struct config_daemon, rebalance), "prongd", "rebalance", .fallback = "no",
     .change = PRONGD_CHANGE_LIVE,
     .help = "Whether established connections move from heavy to light workers when the load has "
             "been uneven for some seconds."},
    {PRONGD_SIZE(struct config_daemon, max_memory_bytes), "prongd", "max_memory", .fallback = "0",
     .most = UINT64_C(1024) * GIB,
     .help = "How many bytes may wait to be sent to all clients of a worker, and to what they are "
             "relayed to, together: near that, clients whose handler does not wait for them are "
             "read no more, and above it the connections with the most are closed; 0 sets no "
             "limit."},
    {PRONGD_COUNT(struct config_daemon, worker_max_connections_served), "prongd",
     "worker_max_connections_served", .fallback = "0",
     .help = "After this many connections a worker is replaced, and what it serves moves to the "
             "others; 0 sets no limit."},
    {PRONGD_SIZE(struct config_daemon, worker_max_memory_bytes), "prongd", "worker_max_memory",
     .fallback = "0",
     .help = "A worker whose resident memory is larger is replaced, and what it serves moves to "
             "the others; 0 sets no limit."},
    {PRONGD_DURATION(struct config_daemon, worker_max_age_ms), "prongd", "worker_max_age",
     .fallback = "0", .most = 365 * DAY,
     .help = "A worker that is older is replaced, and what it serves moves to the others; up to a "
             "tenth is added at random, so that workers do not go together; 0 sets no limit."},
};

/* In the order of the enums of config.h and of the gate's metrics. */
static const char *const accept_modes[] = {"balanced", "shared", "reuseport", NULL};
static const char *const balance_metrics[] = {"connections", "load", NULL};
static const char *const on_reload_choices[] = {"move", "drain", "close", NULL};

static const char *const enforce_choices[] = {"new", "established", NULL};
static const char *const excess_choices[] = {"wait", "close", "reset", NULL};

static const struct prongd_option server_rows[] = {
    {PRONGD_LIST(struct config_server, listen), "server", "listen",
     .example = "127.0.0.1:7000, [::1]:7000, unix:/run/prong/chat.sock", .check = listen_item_check,
     .help = "The addresses that clients connect to: HOST:PORT, [IPV6]:PORT, *:PORT for every "
             "address of the machine, unix:/PATH, unix:@NAME for an abstract name, or systemd:NAME "
             "for the sockets that a socket unit of systemd has opened under that name."},
    {PRONGD_TEXT(struct config_server, handler_name), "server", "handler", .example = "echo",
     .help =
         "The handler that serves the connections of this server: the name of one that is built "
         "in, or a module: by its name in module_directory, or by the absolute path of its "
         "file."},
    {PRONGD_MODE(struct config_server, socket_mode), "server", "socket_mode", .example = "0660",
     .most = 0777, .change = PRONGD_CHANGE_RESTART,
     .help = "The permissions of the unix sockets of this server: those that the umask leaves, "
             "unless others are written."},
    {PRONGD_TEXT(struct config_server, socket_owner), "server", "socket_owner", .example = "nobody",
     .check = check_user, .change = PRONGD_CHANGE_RESTART,
     .help = "The user, by name or number, that owns the unix sockets of this server."},
    {PRONGD_TEXT(struct config_server, socket_group), "server", "socket_group",
     .example = "nogroup", .check = check_group, .change = PRONGD_CHANGE_RESTART,
     .help = "The group, by name or number, of the unix sockets of this server."},
    {PRONGD_BOOLEAN(struct config_server, ipv6_only), "server", "ipv6_only", .fallback = "no",
     .change = PRONGD_CHANGE_RESTART,
     .help = "Whether IPv6 addresses take IPv6 clients alone: [::]:PORT and *:PORT otherwise take "
             "IPv4 clients as well."},
    {PRONGD_COUNT(struct config_server, backlog), "server", "backlog", .fallback = "511",
     .least = 1, .most = 65535, .change = PRONGD_CHANGE_LIVE,
     .help = "How many new connections may wait until a worker accepts them; the kernel's "
             "net.core.somaxconn is the limit."},
    {PRONGD_TEXT(struct config_server, congestion_control), "server", "congestion_control",
     .example = "cubic", .check = check_congestion_control, .change = PRONGD_CHANGE_LIVE,
     .help = "How the kernel decides how much it sends to clients of TCP when, by a name of "
             "net.ipv4.tcp_available_congestion_control, for connections from now on; the system's "
             "own, unless one is written."},
    {PRONGD_BOOLEAN(struct config_server, allow_half_open), "server", "allow_half_open",
     .fallback = "no",
     .help = "Whether a connection stays open for sending after the client has ended its own "
             "side."},
    {PRONGD_BOOLEAN(struct config_server, pause_on_connect), "server", "pause_on_connect",
     .fallback = "no",
     .help = "Whether nothing is read from a new connection before its handler asks for it."},
    {PRONGD_COUNT(struct config_server, max_connections), "server", "max_connections",
     .fallback = "0", .most = 1000000000,
     .help = "How many connections this server may have at a time, over all workers; 0 sets no "
             "limit."},
    {PRONGD_COUNT(struct config_server, max_connections_per_address), "server",
     "max_connections_per_address", .fallback = "0", .most = 1000000000,
     .help = "How many connections the clients of one address, or one subnet, may have at a time, "
             "over all workers; 0 sets no limit."},
    {PRONGD_COUNT(struct config_server, max_rate_per_address), "server", "max_rate_per_address",
     .fallback = "0", .most = 1000000000,
     .help = "How many connections the clients of one address, or one subnet, may open within a "
             "second, over all workers; 0 sets no limit."},
    {PRONGD_COUNT(struct config_server, address_prefix_v4), "server", "address_prefix_v4",
     .fallback = "32", .least = 1, .most = 32,
     .help = "How many bits of an IPv4 address make the subnet that limits per address count."},
    {PRONGD_COUNT(struct config_server, address_prefix_v6), "server", "address_prefix_v6",
     .fallback = "64", .least = 1, .most = 128,
     .help = "The same for IPv6: a customer usually has the 64 bits behind his prefix to himself."},
    {PRONGD_CHOICE(struct config_server, excess), "server", "excess", .fallback = "wait",
     .choices = excess_choices,
     .help = "What becomes of a client that is too much: above max_connections it waits in the "
             "kernel's queue for a place (backlog says how many do), or is closed at once, or "
             "reset, which leaves no TIME_WAIT behind on this machine; one that a limit per "
             "address or a list refuses cannot wait, and is closed unless reset is written."},
    {PRONGD_LIST(struct config_server, allow), "server", "allow", .example = "10.0.0.0/8, ::1",
     .check = check_cidr,
     .help = "The addresses and subnets that may connect, and nobody else; everybody may, unless "
             "one is written."},
    {PRONGD_LIST(struct config_server, deny), "server", "deny",
     .example = "192.0.2.0/24, 2001:db8::/32", .check = check_cidr,
     .help = "The addresses and subnets that may not connect, even where allow names them; a rule "
             "for IPv4 also holds for the same address written as IPv6."},
    {PRONGD_CHOICE(struct config_server, enforce), "server", "enforce", .fallback = "new",
     .choices = enforce_choices,
     .help = "Whom allow and deny concern after a reload: new clients alone, or established "
             "connections too, which are ended as they move to the new workers."},
    {PRONGD_BOOLEAN(struct config_server, shadow), "server", "shadow", .fallback = "no",
     .help = "Whether clients that the limits and lists of this server refuse are let in all the "
             "same, and only logged and counted: to try new limits out."},
    {PRONGD_LIST(struct config_server, proxy_protocol_from), "server", "proxy_protocol_from",
     .example = "10.0.0.1, 10.0.1.0/24, unix", .check = check_proxy,
     .help = "The addresses and subnets of trusted proxies, or unix for those that connect to a "
             "unix socket: their connections must begin with a header of the PROXY protocol, "
             "version 1 or 2, and the client that it names is who lists, limits, logs and handlers "
             "see; the clients of other addresses speak for themselves."},
    {PRONGD_DURATION(struct config_server, proxy_protocol_timeout_ms), "server",
     "proxy_protocol_timeout", .fallback = "5s", .least = 100, .most = HOUR,
     .help = "How long a trusted proxy may take until its header is there, looked at once a "
             "second."},
    {PRONGD_DURATION(struct config_server, timeout_ms), "server", "timeout", .fallback = "0",
     .most = 30 * DAY,
     .help = "How long a connection may stay without a byte in either direction, one that is "
             "relayed on either of its sides; 0 sets no limit."},
    {PRONGD_DURATION(struct config_server, first_byte_timeout_ms), "server", "first_byte_timeout",
     .fallback = "0", .most = 30 * DAY,
     .help = "How long a client may take until its first byte, looked at once a second; 0 sets no "
             "limit."},
    {PRONGD_DURATION(struct config_server, lifetime_ms), "server", "lifetime", .fallback = "0",
     .most = 30 * DAY,
     .help = "How long a connection may last, whatever it does, looked at once a second; 0 sets no "
             "limit."},
    {PRONGD_DURATION(struct config_server, write_timeout_ms), "server", "write_timeout",
     .fallback = "0", .most = 30 * DAY,
     .help = "How long a client, or the upstream that it is relayed to, may take nothing of what "
             "waits to be sent to it, looked at once a second; then the connection is reset, both "
             "sides of it.  What the kernel holds of a socket is user_timeout's.  0 sets no "
             "limit."},
    {PRONGD_DURATION(struct config_server, linger_ms), "server", "linger", .fallback = "0",
     .most = HOUR,
     .help = "How long a connection that this side has ended waits for the client's end, so that "
             "what was sent last arrives; what the client still sends is read meanwhile.  0 waits "
             "as long as the handler does."},
    {PRONGD_BOOLEAN(struct config_server, no_delay), "server", "no_delay", .fallback = "no",
     .help = "Whether small pieces are sent at once (TCP_NODELAY) instead of being gathered."},
    {PRONGD_BOOLEAN(struct config_server, keep_alive), "server", "keep_alive", .fallback = "no",
     .help = "Whether the kernel probes idle TCP connections to find clients that are gone."},
    {PRONGD_DURATION(struct config_server, keep_alive_idle_ms), "server", "keep_alive_idle",
     .fallback = "0", .most = 32767 * UINT64_C(1000), .check = check_seconds,
     .help = "How long a connection is idle before the first probe, in whole seconds; 0 leaves "
             "it to the system."},
    {PRONGD_DURATION(struct config_server, keep_alive_interval_ms), "server", "keep_alive_interval",
     .fallback = "0", .most = 32767 * UINT64_C(1000), .check = check_seconds,
     .help = "The time between two probes, in whole seconds; 0 leaves it to the system."},
    {PRONGD_COUNT(struct config_server, keep_alive_count), "server", "keep_alive_count",
     .fallback = "0", .most = 127,
     .help = "After how many probes without an answer a connection counts as broken; 0 leaves it "
             "to the system."},
    {PRONGD_DURATION(struct config_server, user_timeout_ms), "server", "user_timeout",
     .fallback = "0", .most = DAY,
     .help = "How long sent bytes may stay unacknowledged before a TCP connection counts as "
             "broken (TCP_USER_TIMEOUT); 0 leaves it to the system."},
    {PRONGD_SIZE(struct config_server, high_water_mark_bytes), "server", "high_water_mark",
     .fallback = "64k", .least = 1, .most = GIB,
     .help = "How many bytes may wait to be sent to a client before its handler is told to pause; "
             "of a relay, to an upstream as well."},
    {PRONGD_SIZE(struct config_server, max_write_queue_bytes), "server", "max_write_queue",
     .fallback = "0", .most = UINT64_C(1024) * GIB,
     .help = "How many bytes may wait to be sent to a client at all: when its handler writes more, "
             "the connection is closed.  A relay never does, it waits.  0 sets no limit."},
    {PRONGD_CHOICE(struct config_server, accept), "server", "accept", .fallback = "balanced",
     .choices = accept_modes,
     .help = "Who decides which worker accepts: balanced keeps all workers at the same load, "
             "shared leaves it to the kernel, reuseport gives each worker a handle with a queue of "
             "its own for each TCP address, and the kernel chooses one for a client before any "
             "worker is asked; unix sockets and those of systemd have one handle, which is "
             "balanced."},
    {PRONGD_CHOICE(struct config_server, balance_metric), "server", "balance_metric",
     .fallback = "connections", .choices = balance_metrics,
     .help = "What balanced evens out: the number of connections, or the load, which is the "
             "workers' CPU time and the lag of their loops."},
    {PRONGD_TEXT(struct config_server, access_log), "server", "access_log", .fallback = "none",
     .check = check_access_log,
     .help = "Where a line is written for each connection that has ended: a file's absolute path, "
             "syslog, log for the daemon's own log, or none.  Several servers may have one file."},
    {PRONGD_TEXT(struct config_server, access_format), "server", "access_format",
     .fallback = "text", .check = check_access_format,
     .help = "What stands in such a line: text for key=value, json for an object, or a template in "
             "which $client or ${client} is a field; prongd.conf(5) lists the fields."},
    {PRONGD_BOOLEAN(struct config_server, access_refused), "server", "access_refused",
     .fallback = "no",
     .help = "Whether the access log has a line for each client that was refused, too."},
    {PRONGD_CHOICE(struct config_server, on_reload), "server", "on_reload", .fallback = "move",
     .choices = on_reload_choices,
     .help = "What becomes of connections when their worker is replaced: they move to the new "
             "ones, or drain where they are, or are closed."},
    {PRONGD_DURATION(struct config_server, close_spread_ms), "server", "close_spread",
     .fallback = "0", .most = HOUR,
     .help = "Over how long a time connections are closed with on_reload = close, so that not all "
             "clients come back at once."},
    {PRONGD_SIZE(struct config_server, broadcast_buffer_bytes), "server", "broadcast_buffer",
     .fallback = "1m", .least = 65536, .most = GIB, .change = PRONGD_CHANGE_RESTART,
     .help = "How many bytes of messages between workers are kept until all have read them, where "
             "the handler sends any; rounded up to a power of two."},
    {PRONGD_SIZE(struct config_server, shared_memory_bytes), "server", "shared_memory",
     .fallback = "0", .most = 1024 * GIB, .change = PRONGD_CHANGE_RESTART,
     .help = "How many bytes the workers share for what the handler keeps for all of them, where "
             "it keeps anything; 0 leaves it to the handler."},
};

const struct option_table daemon_options = {daemon_rows, ITEMS(daemon_rows)};
const struct option_table server_options = {server_rows, ITEMS(server_rows)};

struct option_table handler_options(const struct prongd_handler *handler)
{
    return (struct option_table){handler->options, handler->option_count};
}

const struct prongd_option *option_find(const struct option_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    }
    return NULL;
}
