"""The commands of a release on Kubernetes, run with stand-ins for kubectl and kustomize that write down what they are
asked: no step after one that failed, no Deployment without its migration."""

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from twelvefac.scaffold.answers import make_answers
from twelvefac.scaffold.catalogue import data_root, load_catalogue
from twelvefac.scaffold.plan import make_plan
from twelvefac.scaffold.render import render

REAL = load_catalogue(data_root())
NEVER = "a command that is never run"
IMAGE = "registry.example.com/orders:" + "1" * 40

# The Job has no condition at its first look, then those of $JOB, as `get --output jsonpath` prints them after its uid
# and image.
# The looks of $LOST get no answer; from that of $REPLACED on it is another Job. $RUNS pods of the Job before run, and
# that of this one waits for $PULLS.
KUBECTL = """#!/bin/sh
printf '%s\\n' "kubectl $*" >>"$CALLS"
case "$*" in
    "$FAILS") exit 1 ;;
    *" get job "*--ignore-not-found*) echo "$RUNS" ;;
    *" get job "*)
        looks=$(grep -c " get job .*conditions" "$CALLS")
        case " $LOST " in *" $looks "*) exit 1 ;; esac
        uid=1
        image=$MADE
        [ "$looks" -lt "$REPLACED" ] || uid=2
        [ "$looks" -gt 1 ] || JOB=
        echo "$uid $image $JOB"
        ;;
    *" get pods "*) echo "orders-migrate-x Pending $PULLS" ;;
    *" logs "*) echo 'the schema is at 0001' ;;
esac
"""
KUSTOMIZE = """#!/bin/sh
echo "kustomize $*" >>"$CALLS"
case "kustomize $*" in "$FAILS") exit 1 ;; esac
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, text in (("kubectl", KUBECTL), ("kustomize", KUSTOMIZE), ("sleep", "#!/bin/sh\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def release(
    tmp_path: Path,
    programs: Path,
    database: str,
    *arguments: str,
    job: str = "Complete",
    fails: str = NEVER,
    minutes: str = "15",
    **cluster: str,
) -> tuple[int, str, list[str]]:
    """Run the script of a service; return its exit code, what it printed, and what it asked for."""
    folder = tmp_path / "orders"
    plan = make_plan(REAL, *make_answers(REAL, {"name": "orders", "deploy": "kubernetes", "database": database}))
    render(REAL.root, plan.answers.as_data(), folder)
    calls = tmp_path / "calls"
    environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "CALLS": str(calls), "JOB": job}
    done = subprocess.run(
        ["sh", folder / "deploy/kubernetes/release.sh", *arguments],
        env={**environment, "FAILS": fails, "MIGRATION_MINUTES": minutes, **AS_IS, **cluster},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr, calls.read_text().splitlines() if calls.exists() else []


AS_IS = {"LOST": "", "REPLACED": "99", "RUNS": "", "MADE": IMAGE, "PULLS": "ImagePullBackOff"}
SET = f"kustomize edit set image orders={IMAGE}"
DELETE = (
    "kubectl --request-timeout 30s --namespace orders-production delete job orders-migrate"
    " --ignore-not-found --cascade=foreground --timeout 5m"
)
REST = "kubectl --request-timeout 30s apply --kustomize . --selector app.kubernetes.io/component!=web"
RUNS = (
    "kubectl --request-timeout 30s --namespace orders-production get job orders-migrate"
    " --ignore-not-found --output jsonpath={.status.ready}"
)
CONDITIONS = (
    'jsonpath={.metadata.uid} {.spec.template.spec.containers[0].image} {.status.conditions[?(@.status=="True")].type}'
)
LOOK = f"kubectl --request-timeout 30s --namespace orders-production get job orders-migrate --output {CONDITIONS}"
PODS = (
    "kubectl --request-timeout 30s --namespace orders-production get pods"
    " --selector app.kubernetes.io/name=orders,app.kubernetes.io/component=migrate --output jsonpath={range .items[*]}"
    '{.metadata.name} {.status.phase} {.status.containerStatuses[*].state.waiting.reason}{"\\n"}{end}'
)
WEB = "kubectl --request-timeout 30s apply --kustomize . --selector app.kubernetes.io/component=web"
ROLLOUT = "kubectl --request-timeout 30s --namespace orders-production rollout status deployment/orders --timeout 10m"
EVERYTHING = [RUNS, DELETE, SET, REST, LOOK, PODS, LOOK, WEB, ROLLOUT]


def test_without_a_database(tmp_path: Path, programs: Path) -> None:
    code, _, calls = release(tmp_path, programs, "none", "production", IMAGE)
    assert (code, calls) == (0, [SET, REST, WEB, ROLLOUT])


@pytest.mark.parametrize("conditions", ["Complete", "SuccessCriteriaMet Complete"])
def test_the_deployment_comes_after_the_migration(tmp_path: Path, programs: Path, conditions: str) -> None:
    code, _, calls = release(tmp_path, programs, "postgres", "production", IMAGE, job=conditions)
    assert (code, calls) == (0, EVERYTHING)


@pytest.mark.parametrize("conditions", ["Failed", "FailureTarget Failed"])
def test_a_migration_that_failed_ends_it_with_the_jobs_log(tmp_path: Path, programs: Path, conditions: str) -> None:
    code, printed, calls = release(tmp_path, programs, "postgres", "production", IMAGE, job=conditions)
    assert code == 1
    assert calls[:7] == EVERYTHING[:7]
    assert [call.split()[5] for call in calls[7:]] == ["get", "logs"]
    assert "the schema is at 0001" in printed
    assert printed.endswith("the migration failed: the release before still serves\n")


@pytest.mark.parametrize("step", [RUNS, DELETE, SET, REST, WEB, ROLLOUT])
def test_a_step_that_fails_is_the_last(tmp_path: Path, programs: Path, step: str) -> None:
    fails = step if step == SET else step.removeprefix("kubectl ")
    code, _, calls = release(tmp_path, programs, "postgres", "production", IMAGE, fails=fails)
    assert code == 1
    assert calls[-1] == step
    assert calls == EVERYTHING[: len(calls)]


def test_what_the_migration_waits_for_is_told_once(tmp_path: Path, programs: Path) -> None:
    _, printed, _ = release(tmp_path, programs, "postgres", "production", IMAGE, LOST="2 3")
    told = [line for line in printed.splitlines() if line.startswith("the migration")]
    assert told == ["the migration: orders-migrate-x Pending ImagePullBackOff"]


@pytest.mark.parametrize(("lost", "lasts"), [("1", True), ("2 3 4 5", True), ("2 3 4 6 7", True), ("1 2 3 4 5", False)])
def test_an_answer_that_is_lost(tmp_path: Path, programs: Path, lost: str, lasts: bool) -> None:
    """Four in a row are an API server that restarts, five end the release."""
    code, _, calls = release(tmp_path, programs, "postgres", "production", IMAGE, LOST=lost)
    assert code == (0 if lasts else 1)
    assert (WEB in calls) is lasts
    assert calls.count(LOOK) == (int(lost[-1]) + 1 if lasts and lost != "2 3 4 6 7" else 5)


def test_a_migration_of_another_release_is_not_cut_short(tmp_path: Path, programs: Path) -> None:
    code, printed, calls = release(tmp_path, programs, "postgres", "production", IMAGE, RUNS="1")
    assert (code, calls[:1]) == (1, [RUNS])
    assert [call.split()[5] for call in calls[1:]] == ["get"]
    assert "another release migrates now, nothing of this one was applied" in printed


def test_a_release_that_another_one_overtakes_ends(tmp_path: Path, programs: Path) -> None:
    """Complete is then the other's migration, from another image."""
    code, printed, calls = release(tmp_path, programs, "postgres", "production", IMAGE, REPLACED="2")
    assert (code, calls) == (1, EVERYTHING[:7])
    assert "another release has replaced the Job orders-migrate" in printed


def test_a_job_that_is_another_releases_from_the_first_look_on(tmp_path: Path, programs: Path) -> None:
    code, printed, calls = release(tmp_path, programs, "postgres", "production", IMAGE, MADE=f"{IMAGE}2")
    assert (code, calls) == (1, EVERYTHING[:5])
    assert "another release has replaced the Job orders-migrate" in printed


@pytest.mark.parametrize("arguments", [[], ["production"], ["production", IMAGE, "more"]])
def test_what_is_missing_is_said(tmp_path: Path, programs: Path, arguments: list[str]) -> None:
    code, printed, calls = release(tmp_path, programs, "postgres", *arguments)
    assert (code, calls) == (64, [])
    assert "usage: sh" in printed


@pytest.mark.parametrize(
    "image",
    ["", "orders", "orders:", "orders:latest", "host:5000/orders", ":1", "orders@sha1:1", "orders@sha256:", "a:1/"],
)
def test_an_image_that_may_be_another_tomorrow(tmp_path: Path, programs: Path, image: str) -> None:
    code, printed, calls = release(tmp_path, programs, "postgres", "production", image)
    assert (code, calls) == (64, [])
    told = f": '{image}' names no single release: give IMAGE:TAG (not latest) or IMAGE@sha256:DIGEST\n"
    assert printed.endswith(told)
    assert printed.count("\n") == 1


@pytest.mark.parametrize("image", ["orders:1", "host:5000/a/orders:latest-1", f"orders:latest@sha256:{'1' * 64}"])
def test_an_image_that_stays_the_same(tmp_path: Path, programs: Path, image: str) -> None:
    code, _, calls = release(tmp_path, programs, "none", "production", image)
    assert (code, calls[0]) == (0, f"kustomize edit set image orders={image}")


def test_a_migration_that_takes_longer_is_not_waited_for(tmp_path: Path, programs: Path) -> None:
    code, printed, calls = release(tmp_path, programs, "postgres", "production", IMAGE, job="", minutes="0")
    assert code == 1
    assert calls[:6] == EVERYTHING[:6]
    assert [call.split()[5] for call in calls[6:]] == ["get"]
    assert printed.endswith("release again when its Job has\n")


@pytest.mark.parametrize("minutes", ["soon", "1.5", "-1", "15m", "08", "10000", "9" * 30])
def test_what_is_no_number_of_minutes(tmp_path: Path, programs: Path, minutes: str) -> None:
    code, printed, calls = release(tmp_path, programs, "postgres", "production", IMAGE, minutes=minutes)
    assert (code, calls) == (64, [])
    assert printed.endswith(f": MIGRATION_MINUTES: '{minutes}' is no number of minutes, as 15 or 300\n")
    assert printed.count("\n") == 1


def test_an_empty_number_of_minutes_is_none(tmp_path: Path, programs: Path) -> None:
    code, _, calls = release(tmp_path, programs, "postgres", "production", IMAGE, minutes="")
    assert (code, calls) == (0, EVERYTHING)


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"])
def test_an_image_that_cannot_be_pulled_is_not_waited_for(tmp_path: Path, programs: Path, reason: str) -> None:
    code, printed, calls = release(tmp_path, programs, "postgres", "production", IMAGE, job="", PULLS=reason)
    assert (code, calls[-1], calls.count(PODS)) == (1, PODS, 30)
    assert f"the cluster cannot pull {IMAGE}: " in printed.splitlines()[-1]


def test_an_image_that_takes_long_to_pull_is_waited_for(tmp_path: Path, programs: Path) -> None:
    lost = {"PULLS": "ContainerCreating", "REPLACED": "40"}  # something that ends it in the end
    _, printed, calls = release(tmp_path, programs, "postgres", "production", IMAGE, job="", **lost)
    assert calls.count(PODS) == 39
    assert "cannot pull" not in printed


def test_an_unknown_overlay(tmp_path: Path, programs: Path) -> None:
    code, _, calls = release(tmp_path, programs, "postgres", "prod", IMAGE)
    assert code != 0
    assert calls == []


class Cluster(BaseHTTPRequestHandler):
    """As much of a cluster's API as it takes to delete a Job; `deleted` has what was asked for."""

    deleted: ClassVar[list[tuple[str, str]]] = []
    job: ClassVar[dict[str, object]] = {"name": "jobs", "namespaced": True, "kind": "Job", "verbs": ["delete", "get"]}
    batch: ClassVar[dict[str, object]] = {"groupVersion": "batch/v1", "version": "v1"}
    answers: ClassVar[dict[str, dict[str, object]]] = {
        "/api": {"kind": "APIVersions", "versions": []},
        "/apis": {
            "kind": "APIGroupList",
            "groups": [{"name": "batch", "versions": [batch], "preferredVersion": batch}],
        },
        "/apis/batch/v1": {"kind": "APIResourceList", "groupVersion": "batch/v1", "resources": [job]},
    }

    def do_GET(self) -> None:
        self.answer(self.answers.get(self.path.partition("?")[0], {"kind": "Status", "status": "Failure"}))

    def do_DELETE(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.deleted.append((self.path.partition("?")[0].rpartition("/")[2], body["propagationPolicy"]))
        self.answer({"kind": "Status", "apiVersion": "v1", "status": "Success"})

    def answer(self, content: dict[str, object]) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


def test_kubectl_itself_deletes_the_job_with_its_pods_and_nothing_else(tmp_path: Path) -> None:
    """A stand-in does not know that `--cascade foreground` would be a flag and the name of another Job."""
    beside = Path(sys.executable).parent
    kubectl = shutil.which("kubectl", path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    with ThreadingHTTPServer(("127.0.0.1", 0), Cluster) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [kubectl, *DELETE.split()[1:], "--wait=false", f"--server=http://127.0.0.1:{server.server_port}"]
        done = subprocess.run(
            command, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=60
        )
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert Cluster.deleted == [("orders-migrate", "Foreground")]
