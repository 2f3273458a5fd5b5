"""A child that does not outlive its parent, whichever way that ends.

parent ends --the kernel, on Linux--> SIGTERM to the child
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def die_with(parent: int) -> None:
    """In the child: asks for SIGTERM at the end of its parent, which has that pid. Elsewhere than on Linux it does
    nothing."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may be gone already. Its number is compared, not 1: in a container the service itself has that.
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
