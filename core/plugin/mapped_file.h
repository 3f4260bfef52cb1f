/* The files of libraries that are mapped into this process, which they stay. */
#ifndef SESAME_PLUGIN_MAPPED_FILE_H
#define SESAME_PLUGIN_MAPPED_FILE_H

struct error;

/* Which descriptor a library is to be loaded by. The loader knows a file by its number in
 * /proc/self/fd and by its inode, so the number of one that is mapped stays taken to the end of the
 * process, and the same file again is the same number: `fd` is closed then. Takes `fd`, always. -1
 * with `err` when the file's bytes are not those that were mapped: the loader would give the old
 * code for them. [any thread] */
int mapped_file_keep(int fd, const char *path, struct error *err);

#endif
