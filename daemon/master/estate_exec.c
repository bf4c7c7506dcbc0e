/* SPDX-License-Identifier: MIT
 *
 * The estate over the exec: a memfd that is read, and descriptors that survive.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "estate.h"
#include "estate_internal.h"

json_t *estate_load(int fd, char *problem, size_t size)
{
    json_error_t error;
    json_t *estate;
    int version = 0;

    if (lseek(fd, 0, SEEK_SET) < 0) {
        snprintf(problem, size, "the estate cannot be read: %s", strerror(errno));
        return NULL;
    }
    estate = json_loadfd(fd, 0, &error);
    if (estate == NULL) {
        snprintf(problem, size, "the estate cannot be read: %s", error.text);
        return NULL;
    }
    if (json_unpack(estate, "{s:i}", "version", &version) < 0 || version != ESTATE_VERSION) {
        snprintf(problem, size, "the estate has version %d, this program knows %d", version,
                 ESTATE_VERSION);
        json_decref(estate);
        return NULL;
    }
    return estate;
}

int estate_image_fd(int fd)
{
    char problem[128];
    json_t *estate = estate_load(fd, problem, sizeof(problem));
    int image = -1;

    if (estate != NULL)
        image = (int)json_integer_value(json_object_get(estate, "image"));
    json_decref(estate);
    return image;
}

static int set_one(int fd, bool inheritable)
{
    if (fd < 0)
        return 0;
    return fcntl(fd, F_SETFD, inheritable ? 0 : FD_CLOEXEC) < 0 ? -errno : 0;
}

/* Every member that names a descriptor, or an array of them, is called so. */
static bool names_fd(const char *key)
{
    static const char *const keys[] = {"fd", "image", "client", "scoreboard", "clients", "nudges"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

static int set_all(json_t *value, bool is_fd, bool inheritable)
{
    const char *key;
    json_t *member;
    size_t i;
    int error = 0;

    if (json_is_integer(value))
        return is_fd ? set_one((int)json_integer_value(value), inheritable) : 0;
    if (json_is_object(value)) {
        json_object_foreach(value, key, member)
        {
            if (error == 0)
                error = set_all(member, names_fd(key), inheritable);
        }
    }
    json_array_foreach(value, i, member)
    {
        if (error == 0)
            error = set_all(member, is_fd, inheritable);
    }
    return error;
}

int estate_set_inheritable(int fd, bool inheritable)
{
    char problem[128];
    json_t *estate = estate_load(fd, problem, sizeof(problem));
    int error;

    if (estate == NULL)
        return -EPROTO;
    error = set_all(estate, false, inheritable);
    json_decref(estate);
    return error == 0 ? set_one(fd, inheritable) : error;
}
