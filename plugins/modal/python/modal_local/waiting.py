"""Bells that any number of tasks may wait for."""

from __future__ import annotations

import asyncio


class Bell:
    """Wakes everybody who waits at the moment it is rung. Nobody is woken by a ring from before they waited."""

    def __init__(self) -> None:
        """Start silent."""
        self._waiters: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake all who wait."""
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, timeout: float) -> bool:
        """Wait for the next ring, at most ``timeout`` seconds. Returns whether it rang."""
        return await wait_for_any(timeout, self)

    def add(self, waiter: asyncio.Future[None]) -> None:
        """Wake ``waiter`` at the next ring."""
        self._waiters.add(waiter)

    def discard(self, waiter: asyncio.Future[None]) -> None:
        """Let ``waiter`` sleep."""
        self._waiters.discard(waiter)


async def wait_for_any(timeout: float, *bells: Bell) -> bool:
    """Wait until one of ``bells`` rings, at most ``timeout`` seconds. Returns whether one rang.

    The wait begins before this coroutine first gives way to others: what the caller checked just before cannot
    change unnoticed.
    """
    if timeout <= 0:
        return False
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    for bell in bells:
        bell.add(waiter)
    timer = loop.call_later(timeout, _expire, waiter)
    try:
        await waiter
    except TimeoutError:
        return False
    else:
        return True
    finally:
        timer.cancel()
        for bell in bells:
            bell.discard(waiter)


def _expire(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
