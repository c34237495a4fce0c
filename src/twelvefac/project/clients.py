"""Clients of backing services: what each constructor connects to, by which arguments, and by default.

One table, each row checked against the library's newest release in November 2026.
"""

from typing import NamedTuple

from twelvefac.project.scan import calling
from twelvefac.source.pattern import regex


class Client(NamedTuple):
    """A constructor of a connection.

    ``store`` is what it connects to. ``url`` and ``host`` are parameters (keyword, position) that name it; ``default``
    is the host that it takes without any, "" where it demands one.
    """

    store: str
    url: tuple[str, int | None] = ("", None)
    host: tuple[str, int | None] = ("", None)
    default: str = ""


_REDIS = Client("Redis", host=("host", 0), default="localhost")
_REDIS_URL = Client("Redis", url=("url", 0))
_PG = Client("PostgreSQL", url=("dsn", 0), host=("host", None))
_MONGO = Client("MongoDB", url=("host", 0), default="localhost")
_PIKA = Client("RabbitMQ", host=("host", 0), default="localhost")

CLIENTS: dict[str, Client] = {
    "redis.Redis": _REDIS,
    "redis.StrictRedis": _REDIS,
    "redis.asyncio.Redis": _REDIS,
    "redis.ConnectionPool": Client("Redis", host=("host", None), default="localhost"),
    "redis.from_url": _REDIS_URL,
    "redis.Redis.from_url": _REDIS_URL,
    "redis.asyncio.from_url": _REDIS_URL,
    "redis.asyncio.Redis.from_url": _REDIS_URL,
    "aioredis.from_url": _REDIS_URL,
    "aioredis.create_redis_pool": Client("Redis", url=("address", 0)),
    "psycopg2.connect": _PG,
    "psycopg.connect": Client("PostgreSQL", url=("conninfo", 0), host=("host", None)),
    "psycopg.AsyncConnection.connect": Client("PostgreSQL", url=("conninfo", 0), host=("host", None)),
    "psycopg_pool.ConnectionPool": Client("PostgreSQL", url=("conninfo", 0)),
    "psycopg_pool.AsyncConnectionPool": Client("PostgreSQL", url=("conninfo", 0)),
    "asyncpg.connect": _PG,
    "asyncpg.create_pool": _PG,
    "aiopg.create_pool": _PG,
    "pymysql.connect": Client("MySQL", host=("host", None), default="localhost"),
    "MySQLdb.connect": Client("MySQL", host=("host", 0), default="localhost"),
    "mysql.connector.connect": Client("MySQL", host=("host", None), default="127.0.0.1"),
    "aiomysql.create_pool": Client("MySQL", host=("host", None), default="localhost"),
    "sqlalchemy.create_engine": Client("a database", url=("url", 0)),
    "sqlalchemy.ext.asyncio.create_async_engine": Client("a database", url=("url", 0)),
    "databases.Database": Client("a database", url=("url", 0)),
    "pymongo.MongoClient": _MONGO,
    "pymongo.mongo_client.MongoClient": _MONGO,
    "pymongo.AsyncMongoClient": _MONGO,
    "motor.motor_asyncio.AsyncIOMotorClient": _MONGO,
    "mongoengine.connect": Client("MongoDB", host=("host", None), default="localhost"),
    "flask_pymongo.PyMongo": Client("MongoDB", url=("uri", 1)),
    "pika.ConnectionParameters": _PIKA,
    "pika.connection.ConnectionParameters": _PIKA,
    "pika.URLParameters": Client("RabbitMQ", url=("url", 0)),
    "aio_pika.connect": Client("RabbitMQ", url=("url", 0), host=("host", None), default="localhost"),
    "aio_pika.connect_robust": Client("RabbitMQ", url=("url", 0), host=("host", None), default="localhost"),
    "kombu.Connection": Client("a broker", url=("hostname", 0), default="localhost"),
    "celery.Celery": Client("a broker", url=("broker", 3)),
    "kafka.KafkaProducer": Client("Kafka", host=("bootstrap_servers", None), default="localhost"),
    "kafka.KafkaConsumer": Client("Kafka", host=("bootstrap_servers", None), default="localhost"),
    "aiokafka.AIOKafkaProducer": Client("Kafka", host=("bootstrap_servers", None), default="localhost"),
    "aiokafka.AIOKafkaConsumer": Client("Kafka", host=("bootstrap_servers", None), default="localhost"),
    "confluent_kafka.Producer": Client("Kafka", host=("bootstrap.servers", None)),
    "confluent_kafka.Consumer": Client("Kafka", host=("bootstrap.servers", None)),
    "nats.connect": Client("NATS", url=("servers", 0), default="localhost"),
    "elasticsearch.Elasticsearch": Client("Elasticsearch", url=("hosts", 0)),
    "elasticsearch.AsyncElasticsearch": Client("Elasticsearch", url=("hosts", 0)),
    "opensearchpy.OpenSearch": Client("OpenSearch", url=("hosts", 0), default="localhost"),
    "pymemcache.client.base.Client": Client("memcached", host=("server", 0)),
    "smtplib.SMTP": Client("an SMTP server", host=("host", 0)),
    "smtplib.SMTP_SSL": Client("an SMTP server", host=("host", 0)),
    "influxdb_client.InfluxDBClient": Client("InfluxDB", url=("url", 0)),
    "minio.Minio": Client("an object store", host=("endpoint", 0)),
    "paho.mqtt.client.Client().connect": Client("an MQTT broker", host=("host", 0)),
}
"""Resolved callee -> what it connects to."""

SCHEMES = {
    "postgres": "PostgreSQL", "postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MySQL", "mongodb": "MongoDB",
    "redis": "Redis", "rediss": "Redis", "amqp": "RabbitMQ", "amqps": "RabbitMQ", "nats": "NATS", "kafka": "Kafka",
    "mssql": "SQL Server", "oracle": "Oracle", "sqlite": "SQLite", "memcached": "memcached", "pyamqp": "RabbitMQ",
}  # fmt: skip
"""URL schemes (the part before ``+``) and the stores that they name."""
LOCAL = frozenset(("localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0"))  # noqa: S104 - as a place to connect to

POOLS = ("connection_pool", "unix_socket_path", "path", "connection_class", "url", "dsn")
"""Parameters besides those of the table that say what is connected to."""
_TEXT = regex(rb"['\"#]")  # in a comment brackets and quotes may stand alone
_CONSTANT = regex(rb"(?<!\w)(?<!port=)(?<!db=)[A-Z][A-Z0-9_]{2,60}(?![\w.(=])")
_NAMED = frozenset(
    (*POOLS, *(name for one in CLIENTS.values() for name, _ in (one.url, one.host) if name.isidentifier()))
)
_ELSEWHERE = regex(rf"\*|\b(?:{'|'.join(sorted(_NAMED))})[ \t]{{0,4}}=".encode())


def may_name(arguments: bytes) -> bool:
    """Whether a client may be given a host or URL by a literal or a constant: a look at the text of its arguments."""
    return _TEXT.search(arguments) is not None or _CONSTANT.search(arguments) is not None


def may_be_local(arguments: bytes) -> bool:
    """The same, or nothing that says what it connects to, so that it takes its default."""
    return may_name(arguments) or not _ELSEWHERE.search(arguments)


NAMING = calling(*CLIENTS, given=may_name)
"""Anchors of clients whose host may be in the code."""
LOCALS = calling(*(name for name, one in CLIENTS.items() if one.default in LOCAL), given=may_be_local)
"""Anchors of clients that may connect to their default."""
