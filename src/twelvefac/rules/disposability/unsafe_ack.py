"""A message is acknowledged before its work is done.

## Why

A broker forgets a message when it is acknowledged. With `auto_ack=True`, with offsets that are committed in the
background, or with an `ack()` in front of the work, a crash or a deploy in between loses the message for good, and
nothing shows it.

## What it does not flag

- Queues of answers (`on_response`, `reply_to`) and exclusive queues: nobody else could take the message over.
- kafka-python's automatic commits: it commits in the next `poll`, after the work.
- A consumer that stores offsets itself (`enable.auto.offset.store` off), or commits by hand and says nothing of
  `enable.auto.commit`.
- An `ack()` of a message that is thrown away.

## How to fix

Acknowledge as the last step: `auto_ack=False` and `channel.basic_ack(…)` after the work; for Kafka
`enable_auto_commit=False` and `consumer.commit()` after each batch. The handler must bear being run twice.
"""

import re
from collections.abc import Iterator

from twelvefac.audit.facts import Facts
from twelvefac.audit.rule import HIGH, MEDIUM, Confidence, Example, Finding, Rule
from twelvefac.factors import Factor
from twelvefac.project.facts import Acknowledgement, Call, PythonFacts, Value
from twelvefac.project.scan import anchors
from twelvefac.project.services import Service
from twelvefac.source.pattern import regex

_FLAGS = {
    "basic_consume": ("auto_ack", "no_ack"),  # pika 1.3 and 0.x
    "basic_get": ("auto_ack", "no_ack"),
    "consume": ("auto_ack", "no_ack"),  # aio-pika 9, pika's generator
    "iterator": ("no_ack",),
    "get": ("no_ack",),
    "Consumer": ("no_ack",),  # kombu 5
}
_BROKERS = ("pika", "aio_pika", "aiormq", "kombu", "amqp", "nats", "google.cloud.pubsub", "aioamqp", "amqpstorm")
_ANSWERS = regex(r"repl(?:y|ies)|response|callback_queue|rpc|answer|result", re.IGNORECASE)
_NO_WORK = frozenset(
    "debug info warning warn error exception critical log print loads load decode encode get str int float len dict "
    "list set isinstance hasattr getattr time monotonic now format strip split items keys values append ack basic_ack "
    "nack basic_nack reject basic_reject close sleep inc observe labels dumps perf_counter add_callback_threadsafe "
    "partial repr lower upper startswith endswith super type bool min max sum sorted any all range enumerate zip "
    "record_exception set_attribute set_status start_as_current_span join update pop setdefault bind".split()
)

rule = Rule(
    __name__,
    factor=Factor.DISPOSABILITY,
    summary="a message is acknowledged before its work is done",
    severity=HIGH,
    confidence=Confidence.HIGH,
    since="0.1",
    needs_command=True,
    reached_only=True,
    anchors=anchors(
        *(f"{broker} ack" for broker in ("pika", "aiormq", "kombu", "amqp", "aioamqp", "amqpstorm", "nats", "pubsub")),
        r"confluent ~Consumer\b",
        r"aiokafka ~Consumer\b",
    ),
    names=frozenset(
        (
            *(_FLAGS.keys() - {"get"}),
            "get(no_ack=)",
            "queue_declare",
            "declare_queue",
            "AIOKafkaConsumer",
            "commit",
            "store_offsets",
        )
    ),
    examples=(
        Example(
            "automatic acknowledgement",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- worker.py --
                import pika

                import fast

                def handle(ch, method, properties, body):
                    fast.charge(body)

                channel = pika.BlockingConnection().channel()
                channel.queue_declare("orders", durable=True)
                channel.basic_consume("orders", handle, auto_ack=True)  # <- unsafe-ack
                channel.start_consuming()
                -- fast.py --
            """,
        ),
        Example(
            "acknowledged first, and offsets committed behind its back",
            source="""
                -- a/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- a/worker.py --
                import json

                import pika

                def handle(ch, method, properties, body):
                    order = json.loads(body)
                    ch.basic_ack(delivery_tag=method.delivery_tag)  # <- unsafe-ack
                    charge(order)
                -- b/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- b/worker.py --
                from aiokafka import AIOKafkaConsumer

                consumer = AIOKafkaConsumer("orders", group_id="billing")  # <- unsafe-ack
                -- c/Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- c/worker.py --
                from confluent_kafka import Consumer

                consumer = Consumer({"group.id": "billing", "enable.auto.commit": True})  # <- unsafe-ack
            """,
        ),
        Example(
            "settings put together elsewhere, commits by hand beside those in the background, a consumer in a thread",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "main.py"]
                -- main.py --
                from concurrent.futures import ThreadPoolExecutor

                import settings
                from confluent_kafka import Consumer

                def consume():
                    base = settings.broker()
                    base.update({"group.id": settings.GROUP, "enable.auto.commit": True})
                    consumer = Consumer(base)  # <- unsafe-ack
                    consumer.commit()

                with ThreadPoolExecutor() as executor:
                    executor.submit(consume)
                -- settings.py --
            """,
        ),
        Example(
            "work first, a message thrown away, answers, an exclusive queue",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- worker.py --
                import json

                import pika

                def handle(ch, method, properties, body):
                    if not body:
                        ch.basic_ack(method.delivery_tag)
                        return
                    charge(json.loads(body))
                    ch.basic_ack(method.delivery_tag)

                def ask(channel, on_response):
                    channel.basic_consume("amq.rabbitmq.reply-to", on_response, auto_ack=True)
            """,
        ),
        Example(
            "by hand, stored by hand, in the next poll, without a group",
            source="""
                -- Dockerfile --
                FROM python:3.12-slim
                CMD ["python", "worker.py"]
                -- worker.py --
                from aiokafka import AIOKafkaConsumer
                from confluent_kafka import Consumer
                from kafka import KafkaConsumer

                AIOKafkaConsumer("orders", group_id="billing", enable_auto_commit=False)
                AIOKafkaConsumer("rates")
                Consumer({"group.id": "billing", "enable.auto.commit": False})
                Consumer({"group.id": "billing", "enable.auto.offset.store": False})
                KafkaConsumer("orders", group_id="billing", enable_auto_commit=True)
            """,
        ),
    ),
)


@rule.check
def check(service: Service, facts: Facts) -> Iterator[Finding]:
    for path, python in facts.python():
        if path not in service.reached:
            continue
        related = ((service.reached[path][0].span, "this starts it"),)
        for call, how in _automatic(python):
            message = f"{how}: a crash or a deploy while the message is worked on loses it"
            yield rule.at(path, call.at, message, subject=f"ack:{call.name}", symbol=call.scope, related=related)
        for call, how in _kafka(python):
            message = f"{how}: a crash while a message is worked on may lose it"
            yield rule.at(
                path,
                call.at,
                message,
                subject=f"commit:{call.name}",
                symbol=call.scope,
                related=related,
                severity=MEDIUM,
            )
        if _imports(python, *_BROKERS):
            for one in python.acknowledgements:
                if (work := _work_after(one)) is not None:
                    message = f"the message is acknowledged before {work} is called: a crash in between loses it"
                    yield rule.at(path, one.at, message, subject=f"ack:{one.scope}", symbol=one.scope, related=related)


def _imports(python: PythonFacts, *modules: str) -> bool:
    return any(f"{one.module}.{one.name}".startswith(modules) for one in python.imports)


def _automatic(python: PythonFacts) -> Iterator[tuple[Call, str]]:
    if not _imports(python, *_BROKERS):
        return
    declared = [one for one in python.calls if one.name.rpartition(".")[2] in ("queue_declare", "declare_queue")]
    if any(value.data is True for one in declared if (value := one.arg("exclusive")) is not None):
        return
    for call in python.calls:
        for flag in _FLAGS.get(call.name.rpartition(".")[2], ()):
            value = call.arg(flag)
            if value is not None and value.data is True and not _is_answer(call):
                yield call, f"{flag}=True acknowledges a message when it is delivered"


def _is_answer(call: Call) -> bool:
    given = [*call.args, *(value for _, value in call.kwargs)]
    return any(_ANSWERS.search(str(value.data)) for value in given if value.kind in ("str", "name"))


def _kafka(python: PythonFacts) -> Iterator[tuple[Call, str]]:
    by_hand = any(call.name.rpartition(".")[2] == "store_offsets" or _commits(call) for call in python.calls)
    for call in python.calls:
        if call.name.endswith("aiokafka.AIOKafkaConsumer") and not call.is_open:
            group, commits = call.arg("group_id"), call.arg("enable_auto_commit")
            if group is None or group.kind == "none":
                continue
            if (commits is None and not by_hand) or (commits is not None and commits.data is True):
                yield call, "aiokafka commits offsets in the background, whether the work is done or not"
        elif call.name in ("confluent_kafka.Consumer", "confluent_kafka.DeserializingConsumer"):
            options = _options(call, python)
            stored, commits = options.get("enable.auto.offset.store"), options.get("enable.auto.commit")
            shown = call.args[0].kind == "dict" if call.args else True  # of other settings only what is plain is known
            if (by_hand and commits is None) or (options.get("group.id") is None and (shown or commits is None)):
                continue
            if (stored is None or _is_on(stored)) and (commits is None or _is_on(commits)):
                yield call, "offsets are committed in the background, whether the work is done or not"


def _commits(call: Call) -> bool:
    return call.name.endswith(("Consumer().commit", "consumer.commit"))


def _is_on(value: Value) -> bool:
    return value.data is True or (value.text or "").lower() == "true"


def _options(call: Call, python: PythonFacts) -> dict[str, Value]:
    """The settings of a confluent consumer: its dictionary, or that of the file where it is given by a name."""
    first = call.args[0] if call.args else None
    if first is not None and first.kind == "dict":
        return {key.text or "": value for key, value in first.data}
    if first is None or first.kind != "name":
        return {}
    settings = [one for one in python.bindings if one.kind in ("key", "item")]
    known = {one.target: one.value for one in settings}
    return known if "enable.auto.commit" in known else {}


def _work_after(one: Acknowledgement) -> str | None:
    if any(_is_work(name) for name in one.before):
        return None
    return next((name.rpartition(".")[2] for name in one.after if _is_work(name)), None)


def _is_work(name: str) -> bool:
    last = name.removesuffix("()").rpartition(".")[2]
    return last not in _NO_WORK and not last[:1].isupper()
