"""Traces for OpenTelemetry; imported only when OTEL_EXPORTER_OTLP_ENDPOINT is set.

FastAPI makes the spans; they leave as OTLP over HTTP. The SDK and its exporter read the other
OTEL_* variables by themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from . import SERVICE, VERSION
from .logs import output

FLUSH_SECONDS = 2


@contextmanager
def exporting() -> Iterator[None]:
    """Starts a thread that exports: enter it in the worker process, after the fork."""
    resource = Resource.create({"service.name": SERVICE, "service.version": VERSION})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    output.find_span = find_span
    try:
        yield
    finally:
        # A collector that does not answer must not use up the platform's grace period.
        limit = Timer(FLUSH_SECONDS, exporter.shutdown)
        limit.start()
        provider.shutdown()
        limit.cancel()


def find_span() -> tuple[str | None, str | None]:
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None, None
    return trace.format_trace_id(span.trace_id), trace.format_span_id(span.span_id)
