/*
 * For user-mode Linux before 6.13 on a processor with AMX.
 *
 * Such a kernel keeps 2696 bytes of floating point state for each of its processes. A
 * host whose processor has more (AMX tiles: 8 KiB) does not take less than all of it
 * back, and the guest panics. Here it gets what is missing as zeros, which is the state
 * of tiles that nobody uses: bits 17 and 18 of XSTATE_BV say that they are not there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define XSTATE 0x202        /* NT_X86_XSTATE */
#define LEGACY 512          /* bytes before the header that XSTATE_BV begins */
#define WHOLE (64 * 1024)   /* more than any processor has; the host takes its part */

static char whole[WHOLE] __attribute__((aligned(64)));

long ptrace(enum __ptrace_request request, ...)
{
    static long (*real)(int, pid_t, void *, void *);
    va_list list;
    va_start(list, request);
    pid_t pid = va_arg(list, pid_t);
    void *address = va_arg(list, void *);
    void *data = va_arg(list, void *);
    va_end(list);
    if (real == NULL)
        real = (long (*)(int, pid_t, void *, void *))dlsym(RTLD_NEXT, "ptrace");

    struct iovec *given = data;
    if ((int)request != PTRACE_SETREGSET || (uintptr_t)address != XSTATE
        || given->iov_len < LEGACY + 8 || given->iov_len > WHOLE)
        return real(request, pid, address, data);

    uint64_t present;
    memcpy(whole, given->iov_base, given->iov_len);
    memcpy(&present, whole + LEGACY, sizeof present);
    present &= ~(UINT64_C(3) << 17);
    memcpy(whole + LEGACY, &present, sizeof present);
    struct iovec all = {whole, WHOLE};
    return real(request, pid, address, &all);
}
