/* SPDX-License-Identifier: MIT
 *
 * A main() for fuzz targets where there is no libFuzzer: gives the target the files of the
 * folders on the command line, one by one, and nothing at all as the first.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_SIZE (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* At most MAX_SIZE bytes of a file, in memory of exactly their size, so that a sanitizer sees a
 * read beyond their end. */
static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    uint8_t *bytes = NULL;
    size_t size;
    FILE *stream;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    stream = fopen(path, "rb");
    if (stream != NULL)
        bytes = malloc(MAX_SIZE);
    if (bytes == NULL) {
        perror(path);
        return -1;
    }
    size = fread(bytes, 1, MAX_SIZE, stream);
    fclose(stream);
    if (size > 0) {
        uint8_t *exact = realloc(bytes, size);

        bytes = exact != NULL ? exact : bytes;
    }
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return 0;
}

/* How many files there were, or -1. */
static int replay_folder(const char *path)
{
    const struct dirent *entry;
    DIR *folder = opendir(path);
    int count = 0;

    if (folder == NULL) {
        perror(path);
        return -1;
    }
    while (count >= 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            count = replay_file(path, entry->d_name) < 0 ? -1 : count + 1;
    }
    closedir(folder);
    return count;
}

int main(int count, char **folders)
{
    int total = 0;

    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < count; i++) {
        int files = replay_folder(folders[i]);

        if (files <= 0) {
            fprintf(stderr, "%s: nothing to replay\n", folders[i]);
            return EXIT_FAILURE;
        }
        total += files;
    }
    printf("%d files replayed\n", total);
    return EXIT_SUCCESS;
}
