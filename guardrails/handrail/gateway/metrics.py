"""Counters and times for Prometheus: kinds and numbers only."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What one gateway process counts. Labels are from fixed lists, never from what a caller wrote."""

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
            "handrail_gateway_under_way", "Requests that have not ended.", registry=self.registry
        )
        self.waiting = Gauge(
            "handrail_gateway_waiting", "Callers that wait for a person's decision.", registry=self.registry
        )

    def text(self) -> bytes:
        """Return everything counted so far, in Prometheus' text format."""
        return generate_latest(self.registry)
