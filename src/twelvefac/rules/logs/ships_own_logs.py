"""The service sends its logs to a collector itself.

## Why

A handler that talks to Logstash, Loki, Splunk or syslog ties the code to one collector, and the service to its being
up: when it is slow the handler blocks requests or drops events, and the last events before a crash, the ones that
matter, are still in its buffer.

## What it does not flag

- Streams; error trackers (Sentry) and OpenTelemetry exporters.
- A configured handler that no logger has, or only where the environment says so.
- Settings for development and tests; syslog in a function that is told the address by its caller.

One finding a file: the other handlers are listed with it.

## How to fix

Write events to stdout, one a line, and let the platform's agent carry them: Promtail, Fluent Bit, Vector, the
OpenTelemetry collector.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.facts import PythonFacts, Value
from twelvefac.project.log_configuration import handler_at
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex
from twelvefac.source.span import Pos, Span

_HANDLERS = {
    "logging.handlers.SysLogHandler": "syslog",
    "logging.handlers.HTTPHandler": "an HTTP collector",
    "logging.handlers.SocketHandler": "a log server",
    "logging.handlers.DatagramHandler": "a log server",
    "logging_loki.LokiHandler": "Loki",
    "logging_loki.LokiQueueHandler": "Loki",
    "loki_logger_handler.loki_logger_handler.LokiLoggerHandler": "Loki",
    "logstash.TCPLogstashHandler": "Logstash",
    "logstash.UDPLogstashHandler": "Logstash",
    "logstash.LogstashHandler": "Logstash",
    "logstash.AMQPLogstashHandler": "Logstash",
    "logstash_async.handler.AsynchronousLogstashHandler": "Logstash",
    "splunk_handler.SplunkHandler": "Splunk",
    "splunk_hec_handler.SplunkHecHandler": "Splunk",
    "graypy.GELFUDPHandler": "Graylog",
    "graypy.GELFTCPHandler": "Graylog",
    "graypy.GELFTLSHandler": "Graylog",
    "graypy.GELFHTTPHandler": "Graylog",
    "pygelf.GelfTcpHandler": "Graylog",
    "pygelf.GelfUdpHandler": "Graylog",
    "pygelf.GelfHttpHandler": "Graylog",
    "pygelf.GelfTlsHandler": "Graylog",
    "fluent.handler.FluentHandler": "Fluentd",
    "fluent.asynchandler.FluentHandler": "Fluentd",
    "watchtower.CloudWatchLogHandler": "CloudWatch",
    "cmreslogging.handlers.CMRESHandler": "Elasticsearch",
    "loggly.handlers.HTTPSHandler": "Loggly",
    "logdna.LogDNAHandler": "LogDNA",
    "logtail.LogtailHandler": "Logtail",
    "google.cloud.logging.handlers.CloudLoggingHandler": "Cloud Logging",
    "google.cloud.logging_v2.handlers.CloudLoggingHandler": "Cloud Logging",
    "opencensus.ext.azure.log_exporter.AzureLogHandler": "Azure Monitor",
    "seqlog.SeqLogHandler": "Seq",
    "kafka_logger.handlers.KafkaLoggingHandler": "Kafka",
}
_DEVELOPMENT = regex(r"(?:^|[/._-])(?:dev\w*|local\w*|test\w*|example\w*|sample\w*)(?:[/._-]|$)", re.IGNORECASE)

rule = Rule(
    __name__,
    factor=Factor.LOGS,
    summary="the service sends its logs to a collector itself",
    severity=MEDIUM,
    confidence=Confidence.HIGH,
    since="0.1",
    anchors=anchors(*sorted({name.rpartition(".")[2].lower() for name in _HANDLERS})),
    names=frozenset(name.rpartition(".")[2] for name in _HANDLERS),
    examples=(
        Example(
            "handlers that are made, and named in a configuration",
            source="""
                -- log.py --
                import logging
                from logging.handlers import SysLogHandler

                import logstash

                root = logging.getLogger()
                root.addHandler(SysLogHandler(address=("logs.example.com", 514)))  # <- ships-own-logs
                root.addHandler(logstash.TCPLogstashHandler("logstash", 5000))
                -- settings.py --
                LOGGING = {
                    "version": 1,
                    "handlers": {"loki": {"class": "logging_loki.LokiHandler"}},  # <- ships-own-logs
                }
            """,
        ),
        Example(
            "streams, an error tracker, an exporter",
            source="""
                -- log.py --
                import logging
                import sys

                import sentry_sdk
                from opentelemetry.sdk._logs import LoggingHandler

                logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))
                logging.getLogger().addHandler(LoggingHandler())
                sentry_sdk.init()
            """,
        ),
        Example(
            "a handler that no logger has unless the environment says so",
            source="""
                -- settings.py --
                import environ

                env = environ.Env()
                HANDLERS = env.list("LOG_HANDLERS", default=["console"])
                LOGGING = {
                    "version": 1,
                    "handlers": {
                        "console": {"class": "logging.StreamHandler"},
                        "logstash": {"class": "logstash.TCPLogstashHandler", "host": "logs"},
                    },
                    "loggers": {"django": {"handlers": HANDLERS}},
                }
            """,
        ),
        Example(
            "another library's class of the same name, and development settings",
            source="""
                -- log.py --
                from ours import SocketHandler

                SocketHandler("x")
                -- settings/local.py --
                from logging.handlers import SysLogHandler

                SysLogHandler()
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, python in facts.python():
        if _DEVELOPMENT.search(path):
            continue
        found = sorted({*_made(service, path, python), *_configured(python)})
        if found:
            first, *others = found
            related = tuple((Span.of(path, at), name.rpartition(".")[2]) for at, name, _ in others)
            yield _finding(path, *first)._replace(related=related)


_Handler = tuple[Pos, str, str]
"""Where a handler is made or named, its class, and the function around it."""


def _made(service: Service, path: str, python: PythonFacts) -> Iterator[_Handler]:
    for call in python.calls:
        if call.name not in _HANDLERS:
            continue
        chosen = call.name.startswith("logging.") and call.scope != "" and _is_variable(call.arg("address", 0))
        # the standard library's in a function, at an address that is passed in: the operator's choice, not the code's
        if not chosen and service.comes_by(path, guarded=call.guarded):
            yield call.at, call.name, call.scope


def _configured(python: PythonFacts) -> Iterator[_Handler]:
    for binding in python.bindings:
        name = binding.value.text
        if binding.kind == "key" and binding.target in ("class", "()") and name in _HANDLERS:
            handler = handler_at(binding.value.at, python)
            if handler is None or handler.used:
                yield binding.value.at, name, binding.scope


def _is_variable(value: Value | None) -> bool:
    return value is not None and value.kind in ("name", "other")


def _finding(path: str, at: Pos, name: str, scope: str) -> Finding:
    shown, target = name.rpartition(".")[2], _HANDLERS[name]
    message = f"{shown} sends the log to {target} from inside the service: its outage slows requests or loses events"
    return rule.at(path, at, message, subject=f"handler:{shown}", symbol=scope)
