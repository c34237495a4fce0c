"""``audit``, ``explain`` and ``rules``: the engine with the built-in rules."""

import os
import stat
import sys
from datetime import UTC, datetime
from typing import NamedTuple

from twelvefac import __version__, rules
from twelvefac.app.remedies import find_remedies
from twelvefac.audit.engine import AuditOptions
from twelvefac.audit.engine import audit as run_audit
from twelvefac.audit.registry import find_rule, load_rules, select_rules
from twelvefac.audit.result import AuditReport
from twelvefac.audit.rule import Rule, Severity
from twelvefac.audit.suppress import ConfiguredIgnore
from twelvefac.errors import ExitCode, MachineError, UsageError
from twelvefac.project.git import find_git
from twelvefac.settings import FAIL_ON, Settings, load
from twelvefac.source.visible import visible
from twelvefac.source.write import write_atomically


class AuditRequest(NamedTuple):
    """What to audit and how; None and empty mean: as the configuration says."""

    path: str
    only: tuple[str, ...] = ()
    fail_on: str | None = None
    strict_suppressions: bool | None = None
    cache: bool | None = None
    describe: bool = False
    all_files: bool = False


class AuditResult(NamedTuple):
    """The report and the code to exit with. ``prefix`` is the audited directory's path below the repository.

    ``remedies`` has the command that cures a finding, by (service, rule).
    """

    report: AuditReport
    exit_code: ExitCode
    prefix: str
    remedies: dict[tuple[str, str], str]


def audit(request: AuditRequest) -> AuditResult:
    """Audit one directory; raises UsageError for a path, rule or setting that is wrong."""
    root = _absolute(request.path)
    if not os.path.isdir(root):
        what = "is a file; give its directory" if os.path.exists(root) else "does not exist"
        raise UsageError(f"{request.path} {what}", hint="twelvefac audit DIRECTORY")
    settings = load(root)
    catalogue = load_rules(rules)
    disabled = _disabled(settings, catalogue)
    # a rule that is asked for by name runs, whatever the configuration says
    selected = select_rules(catalogue, request.only, () if request.only else disabled)
    options = AuditOptions(
        today=datetime.now(UTC).date(),
        version=__version__,
        cache_folder=_cache_folder() if _either(request.cache, settings.cache) else None,
        configured=_configured(settings, root, catalogue),
        selected=frozenset(rule.name for rule in selected),
        exclude=settings.exclude,
        describe=request.describe,
        all_files=request.all_files,
    )
    report = run_audit(root, catalogue, options)
    code = report.exit_code(_threshold(request.fail_on or settings.fail_on))
    strict = _either(request.strict_suppressions, settings.strict_suppressions)
    if strict and code is ExitCode.OK and any(one.kind.startswith("suppression-") for one in report.notices):
        code = ExitCode.FINDINGS
    return AuditResult(report, code, _prefix(root), find_remedies(root, report))


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError as error:
        raise MachineError("the current folder no longer exists", hint="change to another folder") from error


def write_report(path: str, text: str) -> None:
    """Put a report into a file, whole or not at all; raises MachineError.

    What is there and is no file is refused: the rename would put a file in the place of ``/dev/null`` or a link.
    """
    if os.path.lexists(path) and not stat.S_ISREG(mode := os.lstat(path).st_mode) and not stat.S_ISDIR(mode):
        raise MachineError(f"cannot write {path}: it is no file", hint="--format prints a report to stdout")
    write_atomically(path, text.encode("utf-8", "backslashreplace"))


def _prefix(root: str) -> str:
    """``services/orders/`` for that directory of a repository, or of the current directory where there is no git."""
    root = os.path.realpath(root)
    top = find_git(root)
    if top is None:
        try:
            top = os.path.realpath(os.curdir)
        except OSError:  # it is gone: then nothing lies below it
            return ""
    path = os.path.relpath(root, top)
    return "" if path == os.curdir or path.startswith(os.pardir) else path + "/"


def audit_folder(path: str) -> AuditReport:
    """The report on a directory with plain defaults and no cache: what post-checks of ``new`` call."""
    options = AuditOptions(today=datetime.now(UTC).date(), version=__version__)
    return run_audit(path, load_rules(rules), options)


def rule_catalogue() -> tuple[Rule, ...]:
    """All rules, by factor and name."""
    return tuple(sorted(load_rules(rules), key=lambda rule: (rule.factor, rule.name)))


def rule_named(name: str) -> Rule:
    """One rule; raises UsageError with the closest name."""
    return find_rule(load_rules(rules), name)


def _either(asked: bool | None, configured: bool) -> bool:
    return configured if asked is None else asked


def _threshold(fail_on: str) -> Severity | None:
    if fail_on not in FAIL_ON:
        raise UsageError(f"--fail-on {fail_on}: must be one of {', '.join(FAIL_ON)}")
    return None if fail_on == "never" else Severity[fail_on.upper()]


def _disabled(settings: Settings, catalogue: tuple[Rule, ...]) -> tuple[str, ...]:
    for name in settings.disable:
        _known(catalogue, name, f"{settings.source or 'environment'}: setting disable")
    return settings.disable


def _known(catalogue: tuple[Rule, ...], name: str, where: str) -> None:
    try:
        find_rule(catalogue, name)
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", hint=error.hint) from None


def _configured(settings: Settings, root: str, catalogue: tuple[Rule, ...]) -> tuple[ConfiguredIgnore, ...]:
    entries = []
    source = os.path.relpath(settings.source, root) if settings.source else ""
    for number, entry in enumerate(settings.ignore, 1):
        where = f"{settings.source}: ignore entry {number}"
        if not entry.reason.strip():
            raise UsageError(f"{where} ({visible(entry.rule)}) needs a reason")
        _known(catalogue, entry.rule, where)
        entries.append(
            ConfiguredIgnore(entry.rule, entry.path, entry.subject, entry.reason, entry.until, source, number)
        )
    return tuple(entries)


def _cache_folder() -> str | None:
    """The user's cache directory; None where there is no home to put it in."""
    system = sys.platform
    if system == "linux":  # what platformdirs does there, without its import
        base = os.environ.get("XDG_CACHE_HOME", "")
        folder = os.path.join(base if base.strip() else os.path.expanduser("~/.cache"), "twelvefac")
        return folder if os.path.isabs(folder) else None
    import platformdirs

    try:
        return platformdirs.user_cache_dir("twelvefac", appauthor=False)
    except (RuntimeError, KeyError):
        return None
