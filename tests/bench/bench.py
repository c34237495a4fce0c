"""`make bench`: what a run costs, in CPU time of the whole process, against ruff and copier.

User + system time of a command and all that it starts (``os.wait4``), medians of repeated runs. What is
compared runs alternately, A B A B, and its ratio is the median of the pairs' ratios. Wall time is not judged:
it says more about the machine's other work. Figures are printed, never asserted: a slow machine is no bug.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
REPOSITORY = Path(__file__).resolve().parent.parent.parent
SMALL = 60  # files: up to here a tree counts as a small service
FINDINGS = {0, 1, 3}  # findings are a finished run, and so is an audit of a checkout without a service
DONE = {0}


@dataclass(frozen=True)
class Command:
    """A command to measure; each run gets a new, empty folder: ``{scratch}`` in its words."""

    words: Sequence[str]
    fine: set[int]
    folder: Path = REPOSITORY
    home: Path | None = None  # where caches are, if runs are to share them


@dataclass(frozen=True)
class Row:
    """A line of the table; ``asked`` is None where a figure is only shown."""

    figure: str
    measured: float
    unit: str
    asked: float | None = None

    def text(self) -> str:
        asked = "" if self.asked is None else f"<= {self.asked:g}{self.unit}"
        verdict = "" if self.asked is None else ("ok" if self.measured <= self.asked else "SHORT")
        shown = f"{self.measured:.2f}" if self.unit.strip() == "x" else f"{self.measured:.0f}"
        return f"{self.figure:<66}{asked:>12}{shown + self.unit:>14}  {verdict}".rstrip()


@dataclass(frozen=True)
class Cost:
    """What one run took: user + system milliseconds, children included, and the largest process's MiB."""

    cpu: float
    peak: float


def cpu_ms(command: Command) -> float:
    """User + system milliseconds of one run, children included."""
    return cost(command).cpu


def cost(command: Command) -> Cost:
    """Run a command once."""
    scratch = tempfile.mkdtemp(prefix="twelvefac-bench-")
    words = [word.replace("{scratch}", scratch) for word in command.words]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TWELVEFAC_", "GIT_", "COPIER_", "MAKE", "PYTHON"))
    }
    home = command.home or scratch
    environment |= {"XDG_CACHE_HOME": f"{home}/cache", "HOME": f"{home}/home", "NO_COLOR": "1"}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        # no cyclic waits: output goes to a file, so that a full pipe cannot stop what is measured
        with Path(scratch, "output").open("w+b") as output:
            process = subprocess.Popen(
                words,
                cwd=command.folder,
                env=environment,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in command.fine:
                output.seek(0)
                said = output.read().decode(errors="replace")[-2000:]
                raise SystemExit(f"bench: `{' '.join(words)}` ended with {process.returncode}:\n{said}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Cost((usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024)


def median(command: Command, runs: int) -> float:
    """The median over ``runs`` runs, after one that fills the operating system's caches."""
    cpu_ms(command)
    return statistics.median(cpu_ms(command) for _ in range(runs))


def paired(first: Command, second: Command, runs: int) -> tuple[float, float, float]:
    """Medians of both, run alternately, and the median of the pairs' ratios."""
    cpu_ms(first), cpu_ms(second)
    pairs = [(cpu_ms(first), cpu_ms(second)) for _ in range(runs)]
    ratio = statistics.median(a / b for a, b in pairs)
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs), ratio


def twelvefac(*words: str, fine: set[int] = DONE) -> Command:
    return Command([str(BIN / "twelvefac"), *words], fine)


def start_up(runs: int) -> list[Row]:
    empty = Command([sys.executable, "-c", "pass"], DONE)
    return [
        Row("an empty Python, for comparison", median(empty, runs), " ms"),
        Row("twelvefac --version", median(twelvefac("--version"), runs), " ms", 20),
        Row("twelvefac --help", median(twelvefac("--help"), runs), " ms", 80),
    ]


def files_of(tree: Path) -> int:
    """How many files a checkout tracks; of a plain folder, how many it holds."""
    listed = subprocess.run(["git", "-C", str(tree), "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode == 0 and (tree / ".git").exists():
        return listed.stdout.count(b"\0")
    return sum(1 for path in tree.rglob("*") if path.is_file() and ".git" not in path.parts)


def audits(trees: Sequence[Path], runs: int) -> list[Row]:
    rows = []
    for tree in trees:
        count = files_of(tree)
        audit = twelvefac("audit", str(tree), fine=FINDINGS)
        ruff = Command([str(BIN / "ruff"), *RUFF, str(tree)], FINDINGS)
        ours, theirs, ratio = paired(audit, ruff, runs)
        asked = 100 if count <= SMALL else None
        rows += [
            Row(f"audit of {tree.name} ({count} files), cache empty", ours, " ms", asked),
            Row("  ruff check --select ALL --no-cache --isolated", theirs, " ms"),
            Row("  audit / ruff", ratio, " x"),
        ]
    return rows


RUFF = ["check", "--select", "ALL", "--no-cache", "--isolated", "--output-format", "concise"]


def huge(folder: Path, scratch: Path, runs: int) -> list[Row]:
    """All checkouts as one tree: what the audit must stay below on a large repository."""
    python = sum(1 for _ in folder.rglob("*.py"))
    ruff = Command([str(BIN / "ruff"), *RUFF, str(folder)], FINDINGS)
    whole = twelvefac("audit", str(folder), "--all-files", fine=FINDINGS)
    shipped = twelvefac("audit", str(folder), fine=FINDINGS)
    warm = Command(shipped.words, FINDINGS, home=scratch / "warm")
    all_files, theirs, all_ratio = paired(whole, ruff, runs)
    default, _, default_ratio = paired(shipped, ruff, runs)
    return [
        Row(f"audit --all-files of {folder.name} ({python} .py), cache empty", all_files, " ms"),
        Row("  ruff check --select ALL --no-cache --isolated", theirs, " ms"),
        Row("  audit --all-files / ruff", all_ratio, " x", 0.75),
        Row("audit, tests and migrations left out, cache empty", default, " ms"),
        Row("  audit / ruff", default_ratio, " x", 0.33),
        Row("audit, nothing changed since the last", median(warm, runs), " ms", 150),
        Row("audit --all-files, memory", cost(whole).peak, " MiB", 64),
    ]


def growth(tree: Path, scratch: Path, runs: int) -> list[Row]:
    """Eight copies of a tree as one: eight times the work, less the start."""
    for number in range(8):
        shutil.copytree(tree, scratch / f"copies/{number}", ignore=shutil.ignore_patterns(".git"), symlinks=True)
    start = median(twelvefac("--help"), runs)
    one = median(twelvefac("audit", str(scratch / "copies/0"), fine=FINDINGS), runs)
    eight = median(twelvefac("audit", str(scratch / "copies"), fine=FINDINGS), runs)
    return [Row(f"eight times {tree.name} / {tree.name}, start-up off", (eight - start) / (one - start), " x", 9.2)]


def generating(scratch: Path, runs: int) -> list[Row]:
    """``new service`` against stock copier on the same template with the same answers."""
    template = scratch / "template"
    template.mkdir()
    shutil.copy(REPOSITORY / "copier.yml", template)
    shutil.copytree(REPOSITORY / "templates", template / "templates", ignore=shutil.ignore_patterns("*.bundle"))
    ours = twelvefac("new", "service", "{scratch}/orders", "--defaults")
    bare = twelvefac("new", "service", "{scratch}/orders", "--defaults", "--no-git")
    copier_words = [
        "copy",
        "--defaults",
        "--quiet",
        "--data",
        "name=orders",
        str(template),
        "{scratch}/orders",
    ]
    copier = Command([str(BIN / "copier"), *copier_words], DONE)
    with_git, _, with_git_ratio = paired(ours, copier, runs)
    without, theirs, without_ratio = paired(bare, copier, runs)
    return [
        Row("new service --defaults, git repository and first commit included", with_git, " ms"),
        Row("new service --defaults --no-git", without, " ms"),
        Row("  copier copy --defaults of the same template", theirs, " ms"),
        Row("  new service / copier copy", with_git_ratio, " x", 1.3),
        Row("  new service --no-git / copier copy", without_ratio, " x"),
    ]


def made_trees(scratch: Path) -> list[Path]:
    """A small service of our own making and a larger one of copies of its modules."""
    small = scratch / "made-small"
    subprocess.run(
        [BIN / "twelvefac", "new", "service", small, "--defaults", "--no-git"],
        check=True,
        capture_output=True,
    )
    large = scratch / "made-large"
    for number in range(20):
        shutil.copytree(small, large / f"service_{number}")
    return [small, large]


def measure(trees: Sequence[Path], folder: Path | None, scratch: Path, runs: int) -> Iterator[list[Row]]:
    yield start_up(runs)
    yield audits(trees, runs)
    if folder is not None:
        yield huge(folder, scratch, max(1, runs // 3))
        largest = max(trees, key=lambda tree: sum(1 for _ in tree.rglob("*.py")))
        yield growth(largest, scratch, max(1, runs // 3))
    yield generating(scratch, runs)


def main(arguments: Sequence[str] | None = None, write: Callable[[str], object] = sys.stdout.write) -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trees", type=Path, help="a folder of checkouts of public services")
    parser.add_argument("--runs", type=int, default=9, help="runs (or pairs) per figure")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="twelvefac-bench-") as folder:
        scratch = Path(folder)
        if options.trees:
            trees = sorted(path for path in options.trees.iterdir() if path.is_dir() and path.name[0] != ".")
            write(f"trees: the {len(trees)} checkouts in {options.trees}\n")
        else:
            trees = made_trees(scratch)
            write("trees: made here from our own template; name real ones with `make bench TREES=folder`\n")
        load = os.getloadavg()[0]
        write(f"CPU time (user + system), medians of {options.runs}; load average {load:.1f} at the start\n\n")
        write(f"{'figure':<66}{'asked':>12}{'measured':>14}\n")
        for rows in measure(trees, options.trees, scratch, options.runs):
            for row in rows:
                write(row.text() + "\n")


if __name__ == "__main__":
    main()
