"""Become another program that ends when its parent does: `launch.py PARENT SIGNAL UID GID PROGRAM ARGUMENT…`.

Run as a file, with nothing imported but the standard library, so that it costs milliseconds and no code runs between
fork and exec in the caller. The signal of the parent's death is set after the change of user, which would clear it.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, death_signal, uid, gid = (int(value) for value in sys.argv[1:5])
    program = sys.argv[5:]
    libc = ctypes.CDLL(None, use_errno=True)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        os.chdir("/")
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if sys.platform == "linux" and libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        sys.exit(f"launch: prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("launch: the parent died before its child began")
    os.execv(program[0], program)


main()
