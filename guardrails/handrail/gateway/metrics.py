"""Counters and times for Prometheus: kinds and numbers only."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable that names the folder in which processes count together."""

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What a gateway counts. Labels are from fixed lists, never from what a caller wrote."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "handrail_gateway_requests",
            "Requests by endpoint and how they ended.",
            ("endpoint", "outcome"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "handrail_gateway_seconds",
            "Time from request to the end of the answer.",
            ("endpoint",),
            registry=self.registry,
        )
        self.under_way = Gauge(
            "handrail_gateway_under_way",
            "Requests that have not ended.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.waiting = Gauge(
            "handrail_gateway_waiting",
            "Callers that wait for a person's decision.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def text(self) -> bytes:
        """Return everything counted so far, by every worker, in Prometheus' text format."""
        if SHARED not in os.environ:
            return generate_latest(self.registry)
        of_all = CollectorRegistry()
        multiprocess.MultiProcessCollector(of_all)  # type: ignore[no-untyped-call]
        return generate_latest(of_all)


def forget(pid: int) -> None:
    """Count what a process that is gone had under way no longer."""
    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
