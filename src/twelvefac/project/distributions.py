"""Which distribution an import comes from, where the two names differ, and what needs no distribution at all."""

import sys

_TABLE = """
allauth django-allauth
apiclient google-api-python-client
attr attrs
barcode python-barcode
bs4 beautifulsoup4
bson pymongo
consul python-consul python-consul2
corsheaders django-cors-headers
crispy_forms django-crispy-forms
Crypto pycryptodome pycrypto
Cryptodome pycryptodomex
adminsortable django-admin-sortable
adminsortable2 django-admin-sortable2
cv2 opencv-python opencv-python-headless opencv-contrib-python opencv-contrib-python-headless
dateutil python-dateutil
debug_toolbar django-debug-toolbar
decouple python-decouple
discord discord-py py-cord nextcord
django_filters django-filter
dns dnspython
docx python-docx
dotenv python-dotenv
engineio python-engineio
enumfields django-enumfields django-enumfields2
environ django-environ environ-config
faiss faiss-cpu faiss-gpu
flask_bootstrap flask-bootstrap bootstrap-flask
fitz pymupdf
gi pygobject
git gitpython
github pygithub
google google-cloud google-api-python-client protobuf
googleapiclient google-api-python-client
googlesearch google googlesearch-python
gridfs pymongo
grpc grpcio
grpc_health grpcio-health-checking
grpc_reflection grpcio-reflection
humps pyhumps
import_export django-import-export
jks pyjks
jose python-jose
jsonrpc json-rpc
jwt pyjwt
kafka kafka-python kafka-python-ng
ldap python-ldap
Levenshtein python-levenshtein levenshtein
magic python-magic filemagic
memcache python-memcached
mpl_toolkits matplotlib
mptt django-mptt
multipart python-multipart
mysql mysql-connector-python mysql-connector
MySQLdb mysqlclient mysql-python
nacl pynacl
ninja django-ninja
oauth2_provider django-oauth-toolkit
odf odfpy
OpenGL pyopengl
OpenSSL pyopenssl
paho paho-mqtt
PIL pillow
pkg_resources setuptools
playhouse peewee
pptx python-pptx
psycopg psycopg psycopg-binary
psycopg2 psycopg2 psycopg2-binary
psycopg_pool psycopg-pool psycopg
pwiz peewee
pylab matplotlib
pythonjsonlogger python-json-logger
radiusauth django-radius
rediscluster redis-py-cluster
rest_framework djangorestframework
rest_framework_extensions drf-extensions
rest_framework_gis djangorestframework-gis
rest_framework_nested drf-nested-routers
rest_framework_simplejwt djangorestframework-simplejwt
ruamel ruamel-yaml
sass libsass
serial pyserial
simple_history django-simple-history
skimage scikit-image
sklearn scikit-learn
slugify python-slugify awesome-slugify
snappy python-snappy
social_core social-auth-core
social_django social-auth-app-django
socketio python-socketio
socks pysocks
speech_recognition speechrecognition
starlette starlette fastapi
storages django-storages
strawberry strawberry-graphql
strawberry_django strawberry-graphql-django
telebot pytelegrambotapi
telegram python-telegram-bot
tensorflow tensorflow tensorflow-cpu tensorflow-gpu
timezone_field django-timezone-field
tlz toolz
two_factor django-two-factor-auth
usb pyusb
vcr vcrpy
webdav3 webdavclient3
websocket websocket-client
win32api pywin32
Xlib python-xlib
yaml pyyaml
zmq pyzmq
zstd zstandard
"""

IMPORTS: dict[str, tuple[str, ...]] = {
    name: tuple(distributions) for name, *distributions in map(str.split, _TABLE.strip().splitlines())
}
"""Import name -> distributions that bring it (normalised); one of them is enough. For others the names are equal."""

SAME = frozenset(
    "aioboto3 aiobotocore aiofiles aiohttp aiokafka aio_pika alembic anyio apscheduler argon2 arq arrow asyncpg "
    "authlib babel backoff bcrypt bleach boto3 botocore cachetools celery cerberus certifi click colorlog "
    "confluent_kafka cryptography dash django dramatiq elasticsearch eventlet falcon fastapi fastavro faust "
    "feedparser flask gevent gunicorn h5py httpx huey hvac hypercorn influxdb_client invoke isodate itsdangerous "
    "jinja2 joblib jsonschema kombu kubernetes litestar loguru lxml mako markdown markupsafe marshmallow motor "
    "msgpack nameko neo4j networkx nltk numpy openai opensearchpy orjson packaging pandas paramiko passlib peewee "
    "pendulum phonenumbers pika polars prometheus_client psutil psycopg pyarrow pydantic pydantic_settings pymongo "
    "pymysql pyotp pytz quart redis regex requests rq sanic scipy sentry_sdk shapely simplejson six "
    "sortedcontainers sqlalchemy sqlmodel sqlparse structlog stripe tenacity toml tornado tqdm twilio tzlocal ujson "
    "urllib3 uvicorn uvloop validators watchdog werkzeug xmltodict yarl zeep".split()
)
"""Import names that are known to be those of their distributions: without them, not found proves it undeclared."""

NAMESPACES = frozenset(("google", "azure", "opentelemetry", "ruamel", "zope", "jaraco", "backports", "sphinxcontrib"))
"""Import names that many distributions share: which one is meant the first part does not tell."""

_EMBEDDING = frozenset("mysqlsh uwsgi uwsgidecorators mod_wsgi bpy gdb lldb freeswitch uno".split())
"""Modules of programs that run Python inside: no distribution brings them."""

STANDARD = (
    frozenset(sys.stdlib_module_names)
    | frozenset(("__future__", "distutils", "imp", "asyncore", "asynchat", "cgi", "telnetlib"))
    | _EMBEDDING
)
"""The standard library of the Python that runs, what older ones had, and what programs with a Python inside bring."""
