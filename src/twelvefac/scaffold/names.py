"""The name of a service: what it may be, why not, and what to take instead.

The name becomes a directory, a distribution, a command and, with dashes turned to underscores, a package.
A package named like a module that the service imports hides it: ``import kafka`` in ``src/kafka`` is itself.
"""

import keyword
import re
from collections.abc import Iterable

from twelvefac.errors import UsageError

LONGEST = 40
PATTERN = r"^[a-z](-?[a-z0-9])*$"

# Public standard-library names, old and new: a list of our own, so that a name is not valid on one Python
# and refused on the next. A test compares it with the running interpreter.
_STANDARD_LIBRARY = """
abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb
binascii bisect builtins bz2 calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys
compileall compression concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes curses
dataclasses datetime dbm decimal difflib dis distutils doctest email encodings ensurepip enum errno
faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass
gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib imaplib imghdr imp importlib inspect io
ipaddress itertools json keyword lib2to3 linecache locale logging lzma mailbox mailcap marshal math
mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath nturl2path numbers
opcode operator optparse os ossaudiodev pathlib pdb pickle pickletools pipes pkgutil platform plistlib
poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue quopri
random re readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex shutil
signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl
stat statistics string stringprep struct subprocess sunau symtable sys sysconfig syslog tabnanny tarfile
telnetlib tempfile termios textwrap this threading time timeit tkinter token tokenize tomllib trace
traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uu uuid venv warnings
wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
"""
STANDARD_LIBRARY = frozenset(_STANDARD_LIBRARY.split())

# Import names that a service brings in through its dependencies, now or with a later component. The
# distributions that the catalogue names are added to these.
_LIBRARIES = """
aio_pika aiokafka aiormq aiosqlite alembic annotated_types anyio asgiref asyncpg attr attrs backoff bson
cachetools celery certifi charset_normalizer click colorama confluent_kafka coverage cryptography deprecated
django dns dotenv email_validator exceptiongroup fastapi flask google greenlet grpc gunicorn h11 h2 hpack
httpcore httptools httpx hyperframe hypothesis idna importlib_metadata iniconfig itsdangerous jinja2
jsonschema kafka kombu mako markdown_it markupsafe mdurl motor mypy mypy_extensions mysql opentelemetry
orjson packaging pamqp pathspec pika pip pkg_resources pluggy prometheus_client psycopg psycopg2
psycopg_pool pydantic pydantic_core pydantic_settings pygments pymongo pytest redis referencing requests
rich rpds ruff setuptools sniffio sqlalchemy sqlparse starlette structlog tenacity testcontainers twelvefac
typer typing_extensions typing_inspection urllib3 uvicorn uvloop vine watchfiles websockets werkzeug wheel
wrapt yaml yarl zipp
"""
LIBRARIES = frozenset(_LIBRARIES.split())

# Directories and commands of the generated repository, and what Python and pip take for themselves.
_LAYOUT = "build conftest deploy dist docs main python scripts src templates test tests"
LAYOUT = frozenset(_LAYOUT.split())

# Commands of the virtual environment that the service's own would replace, and what Python imports by itself.
_ENVIRONMENT = """
activate deactivate dmypy mypyc normalizer pip3 pygmentize python2 python3 sitecustomize stubgen stubtest
usercustomize uv uvx
"""
ENVIRONMENT = frozenset(_ENVIRONMENT.split())
INTERPRETER = r"(?:pip|python|pypy|pythonw)[0-9]*"


def check_name(name: str, dependencies: Iterable[str] = ()) -> None:
    """Raise UsageError with the reason and a name to take instead when ``name`` cannot name a service.

    ``dependencies`` are the requirements of the generated service (``fastapi>=0.115``).
    """
    reason = objection(name, dependencies)
    if reason:
        raise UsageError(f"{name!r} cannot name a service: {reason}; try {suggest(name, dependencies)}")


def objection(name: str, dependencies: Iterable[str] = ()) -> str:
    """Return why ``name`` cannot name a service, an empty text when it can."""
    if not name:
        return "it is empty"
    if len(name) > LONGEST:
        return f"it has {len(name)} characters, {LONGEST} are allowed"
    # fullmatch, because "$" also matches before a final line feed
    if not re.fullmatch(PATTERN, name):
        return "it takes lower-case letters, digits and single dashes, a letter first and no dash last"
    package = name.replace("-", "_")
    if keyword.iskeyword(package):
        return "it is a Python keyword"
    if package in STANDARD_LIBRARY:
        return f"the package {package} would hide Python's own module of that name"
    if package in LIBRARIES or package in {distribution(item) for item in dependencies}:
        return f"the package {package} would hide the library of that name"
    if package in ENVIRONMENT or re.fullmatch(INTERPRETER, package):
        return f"{package} is what the virtual environment or Python itself needs under that name"
    if package in LAYOUT:
        return f"{package} has a meaning of its own in the generated repository"
    return ""


def suggest(name: str, dependencies: Iterable[str] = ()) -> str:
    """Return a valid name close to ``name``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    plain = re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")
    if plain and not plain[0].isalpha():
        plain = f"service-{plain}"
    plain = plain[:LONGEST].rstrip("-") or "orders"
    if objection(plain, dependencies):
        plain = f"{plain[: LONGEST - len('-service')].rstrip('-')}-service"
    return plain


def reserved(dependencies: Iterable[str]) -> list[str]:
    """Return every package name that is refused, sorted."""
    names = {*keyword.kwlist, *STANDARD_LIBRARY, *LIBRARIES, *LAYOUT, *ENVIRONMENT, *map(distribution, dependencies)}
    return sorted(name for name in names if name == name.lower())


def distribution(requirement: str) -> str:
    """Return a requirement's distribution as the package that a service of that name would have."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
    return re.sub(r"[-_.]+", "_", match.group()).lower() if match else ""
