"""What follows from a change of an app's state: containers end, queues are emptied, remains are swept away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local import limits

if TYPE_CHECKING:
    from modal_local.context import Context
    from modal_local.store.apps import App

_OWNER = "local"


def describe_lifecycle(app: App) -> api_pb2.AppLifecycle:
    """Return an app's state and times as clients see them."""
    return api_pb2.AppLifecycle(
        app_state=app.state,
        created_at=app.created_at,
        created_by=_OWNER,
        deployed_at=app.deployed_at,
        deployed_by=_OWNER if app.deployed_at else "",
        version=app.version,
        stopped_at=app.stopped_at,
        stopped_by=_OWNER if app.stopped_at else "",
    )


class AppLifecycles:
    """Stops apps, follows deploys, sweeps."""

    def __init__(self, context: Context) -> None:
        """Act on ``context``."""
        self._context = context

    def follow(self, app: App) -> None:
        """Let containers follow a new layout: removed functions end, changed ones are replaced as they finish."""
        self._context.specs.forget_all()
        live = {row.function_id for row in self._context.stores.functions.live(app.app_id)}
        running = {container.spec.function_id for container in self._context.fleet.of_app(app.app_id)}
        for function_id in running - live:
            reason = f"The function was removed by a new deployment of app '{app.name}'."
            self._context.fleet.stop_function(function_id, reason, grace=limits.REMOVED_GRACE)
        for function_id in live:
            pool = self._context.fleet.pool(function_id)
            pool.reset_overrides()
            pool.scale()

    def stop(self, app: App) -> None:
        """Stop an app: its calls fail, its containers end."""
        if app.state == api_pb2.APP_STATE_STOPPED:
            return
        functions = self._context.stores.functions.live(app.app_id)
        self._context.stores.apps.set_state(app.app_id, api_pb2.APP_STATE_STOPPED)
        self._context.specs.forget_all()
        for row in functions:
            self._context.fleet.stop_function(row.function_id, f"App '{app.name}' was stopped.")
        self._context.logs.bell.ring()

    def start(self) -> None:
        """Take up what was deployed when the server ended; runs that it interrupted count as stopped."""
        for app in self._context.stores.apps.listed():
            if app.state in (api_pb2.APP_STATE_EPHEMERAL, api_pb2.APP_STATE_DETACHED):
                self._context.stores.apps.set_state(app.app_id, api_pb2.APP_STATE_STOPPED)
            elif app.state == api_pb2.APP_STATE_DEPLOYED:
                self.follow(app)

    def sweep(self, *, starting: bool = False) -> None:
        """Forget deploys that died, runs whose client is gone and apps that were stopped long ago."""
        for app in self._context.stores.apps.abandoned():
            self.stop(app)
        horizon = time.time() if starting else None
        for app_id in self._context.stores.apps.reap(unpublished_before=horizon):
            self._context.logs.forget(app_id)
