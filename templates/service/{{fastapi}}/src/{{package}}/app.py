"""The application factory: joins settings, middleware and routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from . import SERVICE, __version__, health, metrics, routes
from .middleware import PROBES, RequestMiddleware
from .settings import Settings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    if app.state.settings.otel_exporter_otlp_endpoint is None:
        yield
        return
    from . import telemetry

    with telemetry.exporting():
        yield


def create_app(settings: Settings) -> FastAPI:
    app = FastAPI(
        title=SERVICE,
        version=__version__,
        lifespan=lifespan,
        telemetry={"exclude": lambda scope: scope["path"] in PROBES},
    )
    app.state.settings = settings
    app.state.draining = False
    app.add_middleware(RequestMiddleware)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(routes.router)
    return app
