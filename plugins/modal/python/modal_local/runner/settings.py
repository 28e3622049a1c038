"""What a function definition asks of its containers, with defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace

from modal_proto import api_pb2

from modal_local import limits


@dataclass(frozen=True)
class PoolSettings:
    """Limits of one function's containers. Times are seconds."""

    min_containers: int
    max_containers: int
    scaledown_window: float
    timeout: float
    startup_timeout: float
    concurrency: int
    max_concurrency: int
    single_use: bool
    retry_policy: api_pb2.FunctionRetryPolicy

    def overridden(self, changes: api_pb2.AutoscalerSettings) -> PoolSettings:
        """Return these settings with the fields that ``changes`` sets."""
        settings = self
        if changes.HasField("min_containers"):
            settings = replace(settings, min_containers=changes.min_containers)
        if changes.HasField("max_containers"):
            settings = replace(settings, max_containers=changes.max_containers or limits.DEFAULT_MAX_CONTAINERS)
        if changes.HasField("scaledown_window"):
            settings = replace(settings, scaledown_window=float(changes.scaledown_window))
        return settings

    def as_message(self) -> api_pb2.AutoscalerSettings:
        """Return them as the protocol states them."""
        return api_pb2.AutoscalerSettings(
            min_containers=self.min_containers,
            max_containers=self.max_containers,
            scaledown_window=int(self.scaledown_window),
        )


def pool_settings(definition: api_pb2.Function) -> PoolSettings:
    """Read the settings from a definition."""
    autoscaler = definition.autoscaler_settings
    timeout = float(definition.timeout_secs) or limits.DEFAULT_TIMEOUT
    return PoolSettings(
        min_containers=autoscaler.min_containers or definition.warm_pool_size,
        max_containers=autoscaler.max_containers or definition.concurrency_limit or limits.DEFAULT_MAX_CONTAINERS,
        scaledown_window=float(
            autoscaler.scaledown_window or definition.task_idle_timeout_secs or limits.DEFAULT_SCALEDOWN_WINDOW
        ),
        timeout=timeout,
        startup_timeout=float(definition.startup_timeout_secs) or timeout,
        concurrency=definition.target_concurrent_inputs or definition.max_concurrent_inputs or 1,
        max_concurrency=definition.max_concurrent_inputs or 1,
        single_use=definition.single_use_containers or definition.max_inputs == 1,
        retry_policy=definition.retry_policy,
    )
