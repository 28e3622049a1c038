"""Numbers that bound Local Modal, in one place. Times are seconds, sizes are bytes."""

from __future__ import annotations

import os

FIRST_PORT = 20_000
LAST_PORT = 32_000
DEFAULT_MAX_CONTAINERS = 8
DEFAULT_SCALEDOWN_WINDOW = 60.0
DEFAULT_TIMEOUT = 300.0
MAX_CONTAINERS_IN_ALL = int(os.environ.get("MODAL_LOCAL_MAX_CONTAINERS") or 32)
"""Containers of all functions together; the environment variable is for small machines, and tests."""


SCALE_UP_PAUSE = 0.1
"""How long an input waits for a busy container to become free before another one is started."""

HELD_POLL = 25.0
"""How long a container's request for inputs is held open."""

HELD_HEARTBEAT = 12.0
"""How long a heartbeat is held open; the SDK gives up on one after 15 seconds."""

HELD_STREAM = 55.0
"""How long an idle data or log stream is held open before the client asks again."""

CANCEL_GRACE = 2.0
"""How long a container may take to give up a cancelled or timed-out input before it is killed."""

TERMINATE_GRACE = 2.0
"""Between SIGTERM and SIGKILL."""

REMOVED_GRACE = 10.0
"""How long the containers of a removed function may finish what they are doing."""

SHUTDOWN_GRACE = 2.0
"""How long containers may shut down by themselves when the server stops."""

INITIALIZING_LIFETIME = 60.0
"""An app that was created but never published is forgotten this long after its last heartbeat."""

UNPUBLISHED_LIFETIME = 3600.0
"""A function or definition that no version of its app has is kept this long: a deploy may still publish it."""

STOPPED_LIFETIME = 7 * 24 * 3600.0
MAX_STOPPED_APPS = 50
MAX_VERSIONS_PER_APP = 30

MAX_FINISHED_CALLS = 2_000
MAX_FINISHED_CALL_BYTES = 256 * 1024 * 1024

MAX_LOG_ENTRIES_PER_APP = 20_000
MAX_LOG_LINE = 64 * 1024
LOG_FLUSH_INTERVAL = 0.15

WEB_CHUNK = 64 * 1024
WEB_BUFFER = 4 * 1024 * 1024
"""Bytes of a request or response body that may wait in memory for the other side."""

BLOCK_SIZE = 8 * 1024 * 1024
"""Block size of volume transfers; fixed by the SDK."""

BLOB_LIFETIME = 7 * 24 * 3600.0
