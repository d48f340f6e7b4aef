"""A desk in a process of its own, on a clock that runs fast; killed by tests at any moment.

Run as `python desk_worker.py URL ORIGIN SPEED HOOK`, with the folder of tests on the path.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from handrail.desk import Desk, Settings
from handrail.desk.channels import Webhook
from handrail.store import SqlStore, Trust, open_store
from support.desk_scene import START, Role
from support.stores import KEYS, SIGNER

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
QUICK_ROLES = {
    "finance_lead": Role("finance_lead", timedelta(minutes=20), "supervisor"),
    "supervisor": Role("supervisor", timedelta(minutes=10), "process_owner"),
    "process_owner": Role("process_owner", timedelta(minutes=10)),
}


def fast_clock(origin: float, speed: float) -> Callable[[], datetime]:
    """A clock that shows `START` at `origin` (seconds of the real one) and runs `speed` times as fast."""
    return lambda: START + timedelta(seconds=(time.time() - origin) * speed)


def opened(url: str) -> SqlStore:
    """The store as a desk opens it: on PostgreSQL it knows public keys only."""
    if url.startswith("sqlite"):
        return open_store(url, allow_volatile=True, key_provider=KEYS)
    return open_store(url, key_provider=KEYS, trust=Trust(trusted=SIGNER.public))


def main() -> None:
    """Run until killed."""
    url, origin, speed, hook = sys.argv[1:5]
    clock = fast_clock(float(origin), float(speed))
    settings = Settings(channels=(Webhook(name="ops", url=hook, secrets=(SECRET,)),))
    store = opened(url)
    one = Desk(store, QUICK_ROLES, settings=settings, now=clock)
    sys.stdout.write(f"{os.getpid()}\n")
    sys.stdout.flush()
    one.run(every_s=0.02)


if __name__ == "__main__":
    main()
