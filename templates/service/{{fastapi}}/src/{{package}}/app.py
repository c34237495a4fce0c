"""The application factory: joins settings, backing services, middleware and routes."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from importlib import import_module
from pkgutil import iter_modules

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from . import SERVICE, __version__, backing, health, metrics, routes
from .middleware import PROBES, RequestMiddleware
from .settings import Settings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with ExitStack() as stack:
        for service in app.state.backing.values():
            stack.callback(service.close)
        if app.state.settings.otel_exporter_otlp_endpoint is not None:
            from . import telemetry

            stack.enter_context(telemetry.exporting())
        yield


traced: TelemetryConfig = {"exclude": lambda scope: scope["path"] in PROBES}
untraced: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
}


def create_app(settings: Settings) -> FastAPI:
    app = FastAPI(
        title=SERVICE,
        version=__version__,
        lifespan=lifespan,
        telemetry=traced if settings.otel_exporter_otlp_endpoint else untraced,
    )
    app.state.settings = settings
    app.state.backing = backing.connect(settings)
    app.state.draining = False
    app.state.problem = None
    app.add_middleware(RequestMiddleware)
    app.add_exception_handler(backing.UnavailableError, health.unavailable)
    app.add_api_route("/healthz/live", health.live, include_in_schema=False)
    app.add_api_route("/healthz/ready", health.ready, include_in_schema=False)
    app.add_api_route("/metrics", metrics.expose, include_in_schema=False)
    for found in iter_modules(routes.__path__):
        # Not include_router: what is included costs every request a tenth of its time.
        app.routes.extend(import_module(f"{routes.__name__}.{found.name}").router.routes)
    return app
