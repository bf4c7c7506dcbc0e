/* SPDX-License-Identifier: MIT
 *
 * From a file to a sealed memfd.  Nothing of it is mapped.
 */
#include "module_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* What nobody calls a module. */
#define LARGEST ((off_t)1 << 30)

static int check_file(int fd, off_t *length)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    *length = status.st_size;
    return status.st_size > LARGEST ? -EFBIG : 0;
}

static int copy(int from, int to, off_t length)
{
    while (length > 0) {
        ssize_t count = sendfile(to, from, NULL, (size_t)length);

        if (count <= 0)
            return count < 0 ? -errno : -EIO; /* it was cut meanwhile */
        length -= count;
    }
    return fcntl(to, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

/* The name is what a debugger and /proc/PID/maps show. */
static int open_memory(const char *path)
{
    const char *name = strrchr(path, '/');
    char text[64];
    int fd;

    snprintf(text, sizeof(text), "%s", name != NULL ? name + 1 : path);
    fd = memfd_create(text, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}

static int take_image(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), image, error;
    off_t length = 0;

    if (fd < 0)
        return -errno;
    error = check_file(fd, &length);
    image = error < 0 ? error : open_memory(path);
    if (image >= 0)
        error = copy(fd, image, length);
    if (image >= 0 && error < 0) {
        close(image);
        image = error;
    }
    close(fd);
    return image;
}

int module_image_open(const char *path, char *problem, size_t size)
{
    int image = take_image(path);

    if (image < 0)
        snprintf(problem, size, "the module %s cannot be read: %s", path,
                 image == -EINVAL ? "it is no file" : strerror(-image));
    return image;
}
