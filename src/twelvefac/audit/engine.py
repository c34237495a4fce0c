"""The audit's flow: discover, facts per file, service model, rules, suppressions, report."""

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from twelvefac.audit.cache import Cache
from twelvefac.audit.facts import EMPTY, Facts, Repository
from twelvefac.audit.result import AuditReport, RuleRun, RunState, ServiceSummary
from twelvefac.audit.rule import MEDIUM, Finding, Rule
from twelvefac.audit.suppress import ConfiguredIgnore, suppress
from twelvefac.audit.unread import open_factors, unread_files
from twelvefac.audit.verdicts import Judged, Verdicts
from twelvefac.errors import origin
from twelvefac.factors import Factor
from twelvefac.project.discovery import Discovery, File, discover, read_bytes
from twelvefac.project.facts import ERRORED, FileFacts, Notice
from twelvefac.project.repository import find_services
from twelvefac.project.scan import Scanner
from twelvefac.project.services import Service
from twelvefac.source.digest import digest

if TYPE_CHECKING:  # most audits show no model
    from twelvefac.project.shipped import Tree


class AuditOptions(NamedTuple):
    """How to run: the day that suppressions expire by, where the cache lies (None: none), what is ignored.

    ``selected`` are the names of the rules that run (all if None); facts are kept for all of them, so that the
    cache serves every selection. ``describe`` puts the services' model into the report. ``prefilter=False`` parses
    every Python file: for proofs and benchmarks. ``all_files`` looks at tests, migrations and the like too.
    """

    today: date
    version: str
    cache_folder: str | None = None
    configured: tuple[ConfiguredIgnore, ...] = ()
    selected: frozenset[str] | None = None
    exclude: tuple[str, ...] = ()
    describe: bool = False
    all_files: bool = False
    prefilter: bool = True


def audit(root: str, rules: tuple[Rule, ...], options: AuditOptions) -> AuditReport:
    """Judge the directory ``root``; nothing in it is imported, run or written."""
    root = os.path.realpath(root)
    chosen = tuple(rule for rule in rules if options.selected is None or rule.name in options.selected)
    cache = Cache(options.cache_folder, root, _cache_key(rules, options))
    # the model is made of facts, which a kept verdict does not hold
    verdicts = Verdicts(None if options.describe else cache.path, root, _verdict_key(cache, chosen, options))
    by_name = {rule.name: rule for rule in rules}
    judged = verdicts.load(by_name)
    if judged is None:
        found = _without_excluded(discover(root, all_files=options.all_files), options.exclude)
        judged = verdicts.load_of(found, by_name)
        if judged is None:
            judged = _judge(root, found, rules, chosen, options, cache)
            verdicts.save(judged, found)
    outcomes, notices = suppress(
        judged.findings,
        judged.ignores,
        options.configured,
        frozenset(rule.name for rule in chosen),
        frozenset(rule.name for rule in rules),
        options.today,
    )
    notices += judged.notices
    return AuditReport(
        services=judged.services,
        outcomes=tuple(sorted(outcomes, key=lambda one: (one.finding.primary, one.finding.rule, one.finding.subject))),
        runs=tuple(judged.runs),
        notices=tuple(sorted(set(notices), key=lambda one: one[1:] + one[:1])),
        files=judged.files,
        left_out=judged.left_out,
    )


def _judge(
    root: str,
    found: Discovery,
    rules: tuple[Rule, ...],
    chosen: tuple[Rule, ...],
    options: AuditOptions,
    cache: Cache,
) -> Judged:
    from twelvefac.project.python_state import changed_elsewhere  # and with it ast, which a kept verdict needs not

    looks = ((rule.name, rule.look) for rule in rules if rule.look is not None)
    scanner = Scanner(((rule.name, rule.anchors) for rule in rules), _names(rules), looks, prefilter=options.prefilter)
    cache.load()
    notices = list(found.notices)
    files: dict[str, FileFacts] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # compile() warns of the audited code's own escapes
        for file in found.files:
            # Python comes when the services are known: of what no process runs less is asked
            facts = EMPTY if file.kind == "python" else _facts(root, file, scanner, cache, notices)
            if facts is not None:
                files[file.path] = facts
                notices += _notices(file.path, facts)
        name = os.path.basename(root)
        modelled = find_services(name, files, found.manifests, lambda path: _read(root, path), found.names)
        repository = Repository(found.names, found.tracked, files)
        asking = {service.root: _asking(rules, service, repository) for service in modelled.services}
        asked = {path: asking[service.root].about(path) for service in modelled.services for path in service.python}
        outside = frozenset(rule.name for rule in rules if not rule.needs_command)
        for file in found.files:
            if file.kind == "python":
                facts = _facts(root, file, scanner, cache, notices, asked=asked.get(file.path, outside))
                if facts is not None:
                    files[file.path] = facts
                    notices += _notices(file.path, facts)
        cache.save()
        notices += [_unmodelled(path, reason) for path, reason in modelled.failures]
        services: list[Service] = []
        summaries: list[ServiceSummary] = []
        tree = _tree(found) if options.describe else None
        for service in modelled.services:
            try:
                asked_late = service.reached.keys() - asking[service.root].reached
                notices += _parse_more(root, asked_late, files, scanner, asking[service.root].where_reached)
                entries = {entry for _, entry in service.reached.values()}
                notices += _parse_more(root, entries, files, scanner)
                notices += _parse_more(root, changed_elsewhere(service.python, service.modules), files, scanner)
                summaries.append(_summary(service, files, tree))
            except Exception as error:  # noqa: BLE001 - the model is worked out as it is asked: as find_services
                notices.append(_unmodelled(service.root or ".", origin(error)))
                summaries.append(ServiceSummary(service.name, service.root, ("its model failed",)))
            else:
                services.append(service)
    unread = open_factors(services, unread_files(found.files, files))
    findings, runs = _run(chosen, services, repository, unread)
    return Judged(
        findings,
        runs,
        tuple(summaries),
        notices,
        {path: facts.ignores for path, facts in files.items() if facts.ignores},
        len(files),
        found.left_out,
    )


def _unmodelled(path: str, reason: str) -> Notice:
    return Notice(
        ERRORED, path, 0, f"not judged: its model failed ({reason}), which is a bug in twelvefac; please report it"
    )


def _parse_more(
    root: str,
    paths: Iterable[str],
    files: dict[str, FileFacts],
    scanner: Scanner,
    asked: frozenset[str] | None = None,
) -> Iterator[Notice]:
    """Parse files that were not: where one of the rules ``asked`` has anchors in it, or whatever is in them.

    Of the latter are those that processes start from, because calls are followed from there, and those that hold what
    other files change. Rules are asked late about files that only a parsed import leads to.
    """
    for path in sorted(set(paths)):
        if files[path].python is None and not files[path].notices:
            files[path] = scanner.scan(path, "python", _read(root, path), whole=asked is None, asked=asked)
            yield from _notices(path, files[path])


def _notices(path: str, facts: FileFacts) -> Iterator[Notice]:
    return (Notice(kind, path, line, message) for kind, line, message in facts.notices)


def _tree(found: Discovery) -> "Tree":
    from twelvefac.project.shipped import Tree

    return Tree(found.names)


def _summary(service: Service, files: dict[str, FileFacts], tree: "Tree | None") -> ServiceSummary:
    if tree is None:
        return ServiceSummary(service.name, service.root, service.undecided)
    from twelvefac.project import description

    known = description.describe(service, files, tree)
    return ServiceSummary(service.name, service.root, (*service.undecided, *known.undecided), known)


def _without_excluded(found: Discovery, patterns: tuple[str, ...]) -> Discovery:
    if not patterns:
        return found
    from fnmatch import fnmatchcase

    def keep(path: str) -> bool:
        return not any(fnmatchcase(path, one) or path.startswith(one.rstrip("/") + "/") for one in patterns)

    return found._replace(
        files=tuple(file for file in found.files if keep(file.path)),
        manifests=tuple(path for path in found.manifests if keep(path)),
    )


def _facts(
    root: str, file: File, scanner: Scanner, cache: Cache, notices: list[Notice], *, asked: frozenset[str] = frozenset()
) -> FileFacts | None:
    key = _key_of(asked)
    facts = cache.get(file, asked=key)
    if facts is not None:
        return facts
    try:
        data = read_bytes(root, file.path)
    except OSError as error:
        notices.append(Notice("unreadable", file.path, 0, f"passed over: {error.strerror}"))
        return None
    facts = cache.get_by_content(file, data, asked=key)
    if facts is None:
        facts = scanner.scan(file.path, file.kind, data, asked=asked)
        if not facts.errored:  # that may be better next time
            cache.put(file, data, facts, asked=key)
    return facts


@lru_cache
def _key_of(asked: frozenset[str]) -> str:
    return digest(" ".join(sorted(asked)).encode())[:8]


class _Asking(NamedTuple):
    """Which rules ask about a service's Python: about all of it, and about ``reached`` files only."""

    everywhere: frozenset[str]
    where_reached: frozenset[str]
    reached: frozenset[str]

    def about(self, path: str) -> frozenset[str]:
        return self.where_reached if path in self.reached else self.everywhere


def _asking(rules: tuple[Rule, ...], service: Service, repository: Repository) -> _Asking:
    """As far as it can be told before any Python is read."""
    facts = Facts(repository, service.files)
    known = [rule for rule in rules if (service.released or not rule.needs_command) and rule.asks_about(service, facts)]
    return _Asking(
        frozenset(rule.name for rule in known if not rule.reached_only),
        frozenset(rule.name for rule in known),
        service.may_reach(),
    )


def _read(root: str, path: str) -> bytes:
    """A file that was read before; nothing of one that is gone since."""
    try:
        return read_bytes(root, path)
    except OSError:
        return b""


def _names(rules: tuple[Rule, ...]) -> frozenset[str]:
    return frozenset(name for rule in rules for name in rule.names)


def _verdict_key(cache: Cache, chosen: tuple[Rule, ...], options: AuditOptions) -> str:
    return "\n".join([cache.key, repr((options.all_files, options.exclude)), *(rule.name for rule in chosen)])


def _cache_key(rules: tuple[Rule, ...], options: AuditOptions) -> str:
    parts = [options.version, _own_files(), str(options.prefilter)]
    for rule in rules:
        alternatives = sorted(repr((sorted(one.words), *one[1:3])) for one in rule.anchors)
        parts.append(f"{rule.name}:{alternatives}:{sorted(rule.names)}")
    return digest("\n".join(parts).encode())


def _own_files() -> str:
    """The state of this program's files: in a checkout the version stays and the code does not."""
    found = []
    stack = [os.path.dirname(os.path.dirname(__file__))]
    while stack:
        with os.scandir(stack.pop()) as scan:
            for entry in scan:
                if entry.name.endswith(".py"):
                    stat = entry.stat()
                    found.append(f"{entry.name}:{stat.st_size}:{stat.st_mtime_ns}")
                elif "." not in entry.name and entry.name[0] != "_" and entry.is_dir():
                    stack.append(entry.path)
    return " ".join(sorted(found))


def _run(
    rules: tuple[Rule, ...],
    services: Iterable[Service],
    repository: Repository,
    unread: Mapping[str, Mapping[Factor, str]],
) -> tuple[list[tuple[Finding, Rule, str]], list[RuleRun]]:
    findings: list[tuple[Finding, Rule, str]] = []
    runs: list[RuleRun] = []
    for service in services:
        facts = Facts(repository, service.files)
        unparsed = next((path for path in sorted(service.reached) if facts.file(path).notices), None)
        for rule in rules:
            try:
                # whole or not at all: half of a failed rule's findings would look like a verdict
                found = list(dict.fromkeys(rule.run(service, facts)))
            except Exception as error:  # noqa: BLE001 - one rule's mistake must not cost the others
                runs.append(RuleRun(rule, service.name, RunState.ERRORED, origin(error)))
                continue
            # without proof that it ships nothing is of high severity
            if (rule.needs_command or rule.needs_image) and not service.is_deployed:
                found = [one._replace(severity=min(one.severity, MEDIUM)) for one in found]
            findings += [(finding, rule, service.name) for finding in found]
            runs.append(_state(rule, service, unread.get(service.root, {}), unparsed))
    return findings, runs


def _state(rule: Rule, service: Service, unknown: Mapping[Factor, str], unparsed: str | None) -> RuleRun:
    """``unknown`` are the factors whose files cannot be read, and why; ``unparsed`` a file that runs and cannot be."""
    if rule.factor in unknown:
        return RuleRun(rule, service.name, RunState.NOT_JUDGED, f"{unknown[rule.factor]} cannot be read")
    if rule.needs_command and not service.released:
        reason = service.undecided[0] if service.undecided else "what the released process runs is not known"
        return RuleRun(rule, service.name, RunState.NOT_JUDGED, reason)
    if rule.needs_image and not service.images:
        return RuleRun(rule, service.name, RunState.NOT_JUDGED, "no Dockerfile")
    if rule.anchors and unparsed is not None:  # it reads Python
        return RuleRun(rule, service.name, RunState.NOT_JUDGED, f"{unparsed} runs there and cannot be read")
    return RuleRun(rule, service.name, RunState.RAN)
