/* Preloaded into a process: counts its system calls that touch one folder, fails the n-th, and records what is written.
 *
 * Python arms it by faults_arm(); until then, and for all other files, calls go through. What a call touches is told by
 * its path, and by descriptors that were opened under one. Built and used by tests/faults/preload.py.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define DESCRIPTORS 65536

/* Kinds of calls; the same numbers are in preload.py. */
enum {
    OPEN_READ = 1, OPEN_WRITE = 2, OPEN_CREATE = 4, READ = 8, WRITE = 16, SYNC = 32, RENAME = 64, UNLINK = 128,
    TRUNCATE = 256, MKDIR = 512, LINK = 1024, LOCK = 2048, MAP = 4096, LIST = 8192, CHANGE_MODE = 16384, LOOK = 32768
};

static char folder[4096];
static size_t folder_length;
static unsigned kinds;       /* which calls count */
static int failing_from;     /* the number of the call that fails, from 1; 0: none */
static int failing_on;       /* whether all later ones fail, too */
static int failure;          /* errno; -1: the process is killed; -2: killed when half of a write is done */
static int recording = -1;   /* descriptor of the record; -1: none */
static atomic_int count;
static char *told;           /* shared with the parent: the number of calls so far, and which one failed first */
static char known[DESCRIPTORS];
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

void faults_arm(const char *where, unsigned which, int from, int on, int how, int record, char *tell) {
    snprintf(folder, sizeof folder, "%s", where);
    folder_length = strlen(folder);
    kinds = which;
    failing_from = from;
    failing_on = on;
    failure = how;
    recording = record;
    told = tell;
    atomic_store(&count, 0);
}

static int is_inside(const char *path) {
    return folder_length && path && strncmp(path, folder, folder_length) == 0 &&
           (path[folder_length] == '/' || path[folder_length] == 0);
}

static int is_known(int fd) { return fd >= 0 && fd < DESCRIPTORS && known[fd]; }

static int is_inside_at(int at, const char *path) {
    return folder_length && path && (path[0] == '/' ? is_inside(path) : is_known(at));
}

/* Tell the parent how many calls there were (in the first 16 characters), and of the failing one what it is. */
static void tell(int number, const char *name, const char *path, int fd) {
    snprintf(told, 16, "%d", number);
    if (!name) return;
    char link[64], full[4096] = "";
    if (!path) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        long length = syscall(SYS_readlink, link, full, sizeof full - 1);
        full[length > 0 ? length : 0] = 0;
        path = full;
    }
    snprintf(told + 16, 6000, "%s %s", name, path);
}

/* Whether this call is to fail; sets errno. Where half of it is to be done first, returns 2. */
static int fails(unsigned kind, const char *name, const char *path, int fd) {
    if (!folder_length || !(kinds & kind)) return 0;
    int number = atomic_fetch_add(&count, 1) + 1;
    int now = failing_from && (failing_on ? number >= failing_from : number == failing_from);
    tell(number, now && number == failing_from ? name : NULL, path, fd);
    if (!now) return 0;
    if (failure == -2 && kind == WRITE) return 2;
    if (failure < 0) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    errno = failure;
    return 1;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

/* --- the record: a line of text for each call, then its data */

static void put(const void *data, size_t size) {
    const char *from = data;
    while (size) {
        long done = syscall(SYS_write, recording, from, size);
        if (done <= 0) return;
        from += done;
        size -= (size_t)done;
    }
}

static void record(const void *data, size_t size, const char *format, ...) {
    char line[9000];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    put(line, (size_t)length);
    if (size) put(data, size);
}

#define RECORDED(fd) (recording >= 0 && is_known(fd))

static void begin(void) { if (recording >= 0) pthread_mutex_lock(&order); }
static void end(void) {
    int was = errno;
    if (recording >= 0) pthread_mutex_unlock(&order);
    errno = was;
}

/* --- opening */

static int opened(int fd, const char *path, int flags, int inside) {
    if (fd < 0 || fd >= DESCRIPTORS) return fd;
    known[fd] = (char)inside;
    if (!inside || recording < 0) return fd;
    char full[4096], link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlink, link, full, sizeof full - 1);
    full[length > 0 ? length : 0] = 0;
    const char *name = path[0] == '/' ? path : full;
    int anonymous = (flags & O_TMPFILE) == O_TMPFILE;
    record(NULL, 0, "open\t%d\t%d\t%s\n", fd, anonymous ? 2 : (flags & O_TRUNC) ? 1 : 0, name);
    return fd;
}

static unsigned kind_of(int flags, const char *path, int at) {
    if ((flags & O_TMPFILE) == O_TMPFILE) return OPEN_CREATE;
    if (flags & O_CREAT) {
        if (faccessat(at, path, F_OK, 0)) return OPEN_CREATE;
        return OPEN_WRITE;
    }
    return (flags & O_ACCMODE) == O_RDONLY ? OPEN_READ : OPEN_WRITE;
}

#define OPENING(at, path, call) \
    int mode = 0; \
    if (flags & (O_CREAT | __O_TMPFILE)) { \
        va_list arguments; \
        va_start(arguments, flags); \
        mode = va_arg(arguments, int); \
        va_end(arguments); \
    } \
    int inside = is_inside_at(at, path); \
    if (inside && fails(kind_of(flags, path, at), __func__, path, -1)) return -1; \
    if (!inside) return opened(call, path, flags, 0); \
    begin(); \
    int fd = opened(call, path, flags, 1); \
    end(); \
    return fd

int open(const char *path, int flags, ...) {
    REAL(int, open, const char *, int, ...);
    OPENING(AT_FDCWD, path, real(path, flags, mode));
}
int open64(const char *path, int flags, ...) {
    REAL(int, open64, const char *, int, ...);
    OPENING(AT_FDCWD, path, real(path, flags, mode));
}
int openat(int at, const char *path, int flags, ...) {
    REAL(int, openat, int, const char *, int, ...);
    OPENING(at, path, real(at, path, flags, mode));
}
int openat64(int at, const char *path, int flags, ...) {
    REAL(int, openat64, int, const char *, int, ...);
    OPENING(at, path, real(at, path, flags, mode));
}
int close(int fd) {
    REAL(int, close, int);
    if (fd >= 0 && fd < DESCRIPTORS) known[fd] = 0;
    return real(fd);
}
DIR *opendir(const char *path) {
    REAL(DIR *, opendir, const char *);
    if (is_inside(path) && fails(LIST, __func__, path, -1)) return NULL;
    return real(path);
}

/* --- reading and writing */

#define READING(type, name, parameters, ...) \
    type name parameters { \
        static type(*real) parameters; \
        if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
        if (is_known(fd) && fails(READ, __func__, NULL, fd)) return -1; \
        return real(__VA_ARGS__); \
    }
READING(ssize_t, read, (int fd, void *data, size_t size), fd, data, size)
READING(ssize_t, pread, (int fd, void *data, size_t size, off_t at), fd, data, size, at)
READING(ssize_t, pread64, (int fd, void *data, size_t size, off64_t at), fd, data, size, at)
READING(ssize_t, readv, (int fd, const struct iovec *parts, int n), fd, parts, n)

static ssize_t wrote(int fd, const void *data, ssize_t done, off64_t at) {
    if (done > 0 && RECORDED(fd)) {
        if (at < 0) at = lseek(fd, 0, SEEK_CUR) - done;
        record(data, (size_t)done, "write\t%d\t%lld\t%lld\n", fd, (long long)at, (long long)done);
    }
    return done;
}

#define WRITING(name, parameters, half, at, ...) \
    ssize_t name parameters { \
        static ssize_t(*real) parameters; \
        if (!real) real = (ssize_t(*) parameters)dlsym(RTLD_NEXT, #name); \
        if (!is_known(fd)) return real(__VA_ARGS__); \
        int failed = fails(WRITE, __func__, NULL, fd); \
        if (failed == 2) { \
            half; \
            kill(getpid(), SIGKILL); \
            for (;;) pause(); \
        } \
        if (failed) return -1; \
        begin(); \
        ssize_t done = wrote(fd, data, real(__VA_ARGS__), at); \
        end(); \
        return done; \
    }
WRITING(write, (int fd, const void *data, size_t size), (void)!real(fd, data, size / 2), -1, fd, data, size)
WRITING(pwrite, (int fd, const void *data, size_t size, off_t at), (void)!real(fd, data, size / 2, at), at, fd, data, size, at)
WRITING(pwrite64, (int fd, const void *data, size_t size, off64_t at), (void)!real(fd, data, size / 2, at), at, fd, data, size, at)

ssize_t writev(int fd, const struct iovec *parts, int n) {
    ssize_t all = 0;
    for (int i = 0; i < n; i++) {
        ssize_t done = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (done < 0) return all ? all : -1;
        all += done;
    }
    return all;
}

/* Copies within the kernel would pass unseen: whoever tries is told to do without. */
ssize_t sendfile64(int to, int from, off64_t *at, size_t size) {
    REAL(ssize_t, sendfile64, int, int, off64_t *, size_t);
    if (is_known(to) || is_known(from)) { errno = ENOTSOCK; return -1; }
    return real(to, from, at, size);
}
ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *there, size_t size, unsigned flags) {
    REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);
    if (is_known(to) || is_known(from)) { errno = ENOSYS; return -1; }
    return real(from, at, to, there, size, flags);
}

#define SYNCING(name) \
    int name(int fd) { \
        REAL(int, name, int); \
        if (!is_known(fd)) return real(fd); \
        if (fails(SYNC, __func__, NULL, fd)) return -1; \
        begin(); \
        int done = real(fd); \
        if (!done && RECORDED(fd)) record(NULL, 0, "sync\t%d\n", fd); \
        end(); \
        return done; \
    }
SYNCING(fsync)
SYNCING(fdatasync)

#define TRUNCATING(name, type) \
    int name(int fd, type size) { \
        REAL(int, name, int, type); \
        if (!is_known(fd)) return real(fd, size); \
        if (fails(TRUNCATE, __func__, NULL, fd)) return -1; \
        begin(); \
        int done = real(fd, size); \
        if (!done && RECORDED(fd)) record(NULL, 0, "truncate\t%d\t%lld\n", fd, (long long)size); \
        end(); \
        return done; \
    }
TRUNCATING(ftruncate, off_t)
TRUNCATING(ftruncate64, off64_t)

/* --- names */

static int named(int done, const char *what, const char *one, const char *other) {
    if (!done && recording >= 0) record(NULL, 0, "%s\t%s\t%s\n", what, one, other);
    return done;
}

#define NAMING(name, parameters, touches, kind, what, one, other, ...) \
    int name parameters { \
        static int(*real) parameters; \
        if (!real) real = (int(*) parameters)dlsym(RTLD_NEXT, #name); \
        if (!(touches)) return real(__VA_ARGS__); \
        if (fails(kind, __func__, one, -1)) return -1; \
        begin(); \
        int done = named(real(__VA_ARGS__), what, one, other); \
        end(); \
        return done; \
    }
NAMING(rename, (const char *a, const char *b), is_inside(a) || is_inside(b), RENAME, "rename", a, b, a, b)
NAMING(renameat, (int at, const char *a, int there, const char *b), is_inside_at(at, a) || is_inside_at(there, b), RENAME, "rename", a, b, at, a, there, b)
NAMING(link, (const char *a, const char *b), is_inside(b), LINK, "link", a, b, a, b)
NAMING(linkat, (int at, const char *a, int there, const char *b, int flags), is_inside_at(there, b), LINK, "link", a, b, at, a, there, b, flags)
NAMING(symlink, (const char *a, const char *b), is_inside(b), LINK, "symlink", a, b, a, b)
NAMING(unlink, (const char *a), is_inside(a), UNLINK, "unlink", a, "", a)
NAMING(unlinkat, (int at, const char *a, int flags), is_inside_at(at, a), UNLINK, "unlink", a, "", at, a, flags)
NAMING(rmdir, (const char *a), is_inside(a), UNLINK, "unlink", a, "", a)
NAMING(mkdir, (const char *a, mode_t mode), is_inside(a), MKDIR, "mkdir", a, "", a, mode)
NAMING(mkdirat, (int at, const char *a, mode_t mode), is_inside_at(at, a), MKDIR, "mkdir", a, "", at, a, mode)
NAMING(chmod, (const char *a, mode_t mode), is_inside(a), CHANGE_MODE, "mode", a, "", a, mode)
NAMING(fchmod, (int fd, mode_t mode), is_known(fd), CHANGE_MODE, "mode", "", "", fd, mode)

/* --- locks, mappings, looks */

int flock(int fd, int how) {
    REAL(int, flock, int, int);
    if (is_known(fd) && !(how & LOCK_UN) && fails(LOCK, __func__, NULL, fd)) return -1;
    return real(fd, how);
}

#define CONTROLLING(name) \
    int name(int fd, int what, ...) { \
        REAL(int, name, int, int, ...); \
        va_list arguments; \
        va_start(arguments, what); \
        void *argument = va_arg(arguments, void *); \
        va_end(arguments); \
        if (is_known(fd) && (what == F_SETLK || what == F_SETLKW) && ((struct flock *)argument)->l_type != F_UNLCK && \
            fails(LOCK, __func__, NULL, fd)) \
            return -1; \
        int done = real(fd, what, argument); \
        if ((what == F_DUPFD || what == F_DUPFD_CLOEXEC) && done >= 0 && done < DESCRIPTORS) known[done] = known[fd]; \
        return done; \
    }
CONTROLLING(fcntl)
CONTROLLING(fcntl64)

#define MAPPING(name, type) \
    void *name(void *at, size_t size, int access, int flags, int fd, type offset) { \
        REAL(void *, name, void *, size_t, int, int, int, type); \
        if (is_known(fd) && fails(MAP, __func__, NULL, fd)) return MAP_FAILED; \
        return real(at, size, access, flags, fd, offset); \
    }
MAPPING(mmap, off_t)
MAPPING(mmap64, off64_t)

#define LOOKING(name, parameters, touches, ...) \
    int name parameters { \
        static int(*real) parameters; \
        if (!real) real = (int(*) parameters)dlsym(RTLD_NEXT, #name); \
        if ((touches) && fails(LOOK, __func__, a, -1)) return -1; \
        return real(__VA_ARGS__); \
    }
LOOKING(stat64, (const char *a, struct stat64 *found), is_inside(a), a, found)
LOOKING(lstat64, (const char *a, struct stat64 *found), is_inside(a), a, found)
LOOKING(fstatat64, (int at, const char *a, struct stat64 *found, int flags), is_inside_at(at, a), at, a, found, flags)
LOOKING(access, (const char *a, int how), is_inside(a), a, how)
