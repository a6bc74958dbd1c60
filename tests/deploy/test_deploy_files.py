"""The files for containers, Kubernetes and systemd are well-formed, and start and end the Procfile's commands.

They are read by the tools that check such files. Nothing is started here; the image's own steps are, in
``test_image.py``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest
import yaml

from bot.db.postgresql import POOL_OVERFLOW, POOL_SIZE
from bot.errors import SettingsError
from bot.queue import GRACE
from bot.settings import Settings, load
from bot.web.api.mounted import PATHS
from tests.deploy import dockerfile

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
MANIFESTS = sorted(set(DEPLOY.glob("kubernetes/*.yaml")) - {DEPLOY / "kubernetes" / "kustomization.yaml"})
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
BOT = ("release", "web", "worker")
WEB_GRACE = 60.0
"""Seconds that gunicorn gives its requests, see ``bot/web/gunicorn_conf.py``."""
SBIN = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
IMAGE_COMMAND = dockerfile.words(dockerfile.read(ROOT / "Dockerfile")[-1].last("CMD"))


def tool(name: str, package: str) -> Any:
    """Skip a test where this program is missing."""
    missing = shutil.which(name, path=SBIN) is None
    return pytest.mark.skipif(missing, reason=f"{name} is not installed: apt-get install {package}")


def said(*command: str, **more: Any) -> str:
    """Return what a checking program says; it must find nothing wrong."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False, **more
    )
    assert done.returncode == 0, done.stdout
    return str(done.stdout)


def objects(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the pod of everything that runs in Kubernetes."""
    for path in MANIFESTS:
        for made in objects(path):
            if made["kind"] in {"Deployment", "Job"}:
                yield made["metadata"]["name"], made["spec"]["template"]["spec"]


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return found


def documented(program: str) -> list[str]:
    """Return the commands of this program in the documents; in a block, all lines from the first one on."""
    pages = [path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]]
    return [" ".join(one.split()) for page in pages for one in re.findall(rf"{program} [^`]*", page)]


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


# The image


def test_hadolint_finds_nothing() -> None:
    assert said(str(Path(sys.executable).parent / "hadolint"), str(ROOT / "Dockerfile")) == ""


def test_the_image_copies_what_dockerignore_lets_in_and_nothing_else() -> None:
    patterns = (ROOT / ".dockerignore").read_text().split("*\n", 1)[1].split()
    let_in = {one.removeprefix("!") for one in patterns if one.startswith("!")}
    copied = {name for text in dockerfile.read(ROOT / "Dockerfile")[0].all("COPY") for name in text.split()[:-1]}
    copied = copied - {"${LOCK}"} | {"requirements.lock", "requirements-traces.lock"}  # as a builder chooses
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_every_way_starts_the_commands_of_the_procfile() -> None:
    assert IMAGE_COMMAND[:3] == PROCFILE["web"].split()
    services = compose()
    assert "command" not in services["web"]
    assert {name: services[name]["command"] for name in ("release", "worker")} == {
        name: PROCFILE[name].split() for name in ("release", "worker")
    }
    args = {name: pod["containers"][0].get("args", IMAGE_COMMAND) for name, pod in pods()}
    assert args == {"web": IMAGE_COMMAND, **{name: PROCFILE[name].split() for name in ("release", "worker")}}
    for unit in UNITS:
        name = unit.stem.removeprefix("reportbot-")
        assert f"\nExecStart=/opt/reportbot/.venv/bin/{PROCFILE[name]}\n" in unit.read_text()
    assert len(UNITS) == 2


def test_every_way_waits_until_the_processes_have_ended() -> None:
    least = {"web": WEB_GRACE, "worker": GRACE}
    services, found = compose(), dict(pods())
    for name, grace in least.items():
        assert seconds(services[name]["stop_grace_period"]) > grace
        paused = found[name]["containers"][0].get("lifecycle", {}).get("preStop", {"sleep": {"seconds": 0}})
        assert found[name]["terminationGracePeriodSeconds"] > grace + paused["sleep"]["seconds"]
        (wait,) = re.findall(
            r"^TimeoutStopSec=(\d+)$", (DEPLOY / f"systemd/reportbot-{name}.service").read_text(), re.MULTILINE
        )
        assert float(wait) > grace


# Compose


def test_nothing_of_compose_can_more_than_it_needs() -> None:
    for name, service in compose().items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert name in BOT or service["user"].split(":")[0] not in {"0", "root"}, name
        assert name == "proxy" or "ports" not in service, name
    assert compose()["worker"]["deploy"]["replicas"] == 2


def test_the_database_of_compose_takes_every_connection_that_the_bot_may_open() -> None:
    services = compose()
    (most,) = re.findall(r"max_connections=(\d+)", " ".join(services["database"]["command"]))
    processes = 2 + services["worker"]["deploy"]["replicas"]  # release and web
    assert int(most) > processes * (POOL_SIZE + POOL_OVERFLOW + 4)


@tool("docker-compose", "docker-compose")
def test_docker_compose_reads_the_file(tmp_path: Path) -> None:
    """Debian's 1.29, the oldest that is still about; version 2 reads more."""
    shutil.copy(ROOT / "compose.yaml", tmp_path)
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=0123456789\nWEBEX_BOT_TOKEN=token\n")
    read = yaml.safe_load(said("docker-compose", "config", cwd=tmp_path))["services"]
    assert read.keys() == compose().keys()
    for name in BOT:
        seen = {"DATABASE_URL": "postgresql://reportbot:0123456789@database/reportbot", "WEBEX_BOT_TOKEN": "token"}
        more = {"METRICS_PORT": "9464"} if name == "worker" else {}
        assert read[name]["environment"] == seen | more | {"POSTGRES_PASSWORD": ""}


@tool("docker-compose", "docker-compose")
def test_docker_compose_says_that_the_password_is_missing(tmp_path: Path) -> None:
    shutil.copy(ROOT / "compose.yaml", tmp_path)
    (tmp_path / ".env").write_text("")
    done = subprocess.run(["docker-compose", "config"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "set it in .env" in done.stderr


def test_a_documented_command_of_the_bot_waits_for_no_database_in_compose_and_a_restore_does() -> None:
    commands = "\n".join(documented("docker compose"))
    runs = re.findall(r"compose run (.*?)release", commands)
    assert runs
    assert [one for one in runs if "--no-deps" not in one] == []
    assert "up --detach database" not in commands


def test_the_proxy_has_every_line_of_the_documented_nginx() -> None:
    page = (ROOT / "docs" / "reverse-proxy.md").read_text()
    documented = "\n".join(re.findall(r"```nginx\n(.*?)```", page, re.DOTALL))
    changed = re.compile(r"(listen|server_name|ssl_certificate\w*|proxy_pass|location|server|proxy_read_timeout) .*|}|")
    lines = {" ".join(line.split()) for line in documented.splitlines()}
    conf = {" ".join(line.split()) for line in (DEPLOY / "nginx.conf").read_text().splitlines()}
    assert len(lines) > 8
    assert {line for line in lines - conf if not changed.fullmatch(line) and "log_format" not in line} == set()
    assert not [line for line in conf if "buffering off" in line]


@tool("nginx", "nginx-light")
@tool("openssl", "openssl")
def test_nginx_reads_the_proxys_settings(tmp_path: Path) -> None:
    new = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=bot.example.com"]
    said("openssl", "req", *new, "-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem"))
    conf = (DEPLOY / "nginx.conf").read_text().replace("/tmp/", f"{tmp_path}/")
    conf = conf.replace("/etc/nginx/tls", str(tmp_path))
    (tmp_path / "nginx.conf").write_text(conf)
    nginx = str(shutil.which("nginx", path=SBIN))
    assert "test is successful" in said(nginx, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"))


# Kubernetes


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("version", ["1.32", "1.37"])
def test_kubernetes_knows_every_field(path: Path, version: str) -> None:
    for made in objects(path):
        kubernetes_validate.validate(made, version, strict=True)


def test_kustomize_takes_every_manifest_but_the_example() -> None:
    kustomization = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    assert {*kustomization["resources"], "secret.example.yaml"} == {path.name for path in MANIFESTS}


def test_every_pod_keeps_to_the_restricted_standard_and_writes_its_own_volume_alone() -> None:
    assert {name for name, _ in pods()} == set(BOT)
    for name, pod in pods():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["runAsUser"] == 10001, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert container["volumeMounts"] == [{"name": "data", "mountPath": "/data"}], name
        assert "sizeLimit" in pod["volumes"][0]["emptyDir"], name


def test_a_network_policy_stands_around_every_pod_and_names_its_ports() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in objects(DEPLOY / "kubernetes" / "networkpolicy.yaml")}
    workloads = [one for path in MANIFESTS for one in objects(path) if one["kind"] in {"Deployment", "Job"}]
    for made in workloads:
        name, template = made["metadata"]["name"], made["spec"]["template"]
        assert policies[name]["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        ports = {port["name"] for port in template["spec"]["containers"][0].get("ports", [])}
        assert {port["port"] for rule in policies[name].get("ingress", []) for port in rule["ports"]} == ports
    ((allowed,),) = [rule["from"] for rule in policies["database"]["ingress"]]
    (expression,) = allowed["podSelector"]["matchExpressions"]
    assert (expression["key"], set(expression["values"])) == ("app.kubernetes.io/component", set(BOT))


def test_the_ingress_passes_on_what_webex_and_other_systems_call_and_no_metrics() -> None:
    (ingress,) = objects(DEPLOY / "kubernetes" / "ingress.yaml")
    paths = {one["path"] for one in ingress["spec"]["rules"][0]["http"]["paths"]}
    webhooks = yaml.safe_load((ROOT / "manifest" / "webhooks.yaml").read_text())
    assert webhooks["path"].startswith("/webhooks/")
    assert paths == {"/webhooks", *(path.rstrip("/") for path in PATHS), "/healthz"}


def test_what_the_examples_set_are_settings() -> None:
    (secret,) = objects(DEPLOY / "kubernetes" / "secret.example.yaml")
    kustomization = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    literals = [one.partition("=")[0] for one in kustomization["configMapGenerator"][0]["literals"]]
    units = [name for unit in UNITS for name in re.findall(r"^Environment=(\w+)=", unit.read_text(), re.MULTILINE)]
    assert {name.lower() for name in [*secret["stringData"], *literals, *units]} <= Settings.model_fields.keys()


def test_the_documents_commands_show_the_whole_log_and_restart_nothing_but_the_bot() -> None:
    commands = documented("kubectl")
    logs = [one for one in commands if " logs " in one and "--selector" in one]
    restarts = [one for one in commands if "rollout restart" in one]
    assert logs
    assert [one for one in logs if "--tail" not in one] == []
    assert restarts
    assert [one for one in restarts if not re.search(r"deployment[ /](web|worker)\b", one)] == []


def test_no_example_is_taken_for_a_secret() -> None:
    (secret,) = objects(DEPLOY / "kubernetes" / "secret.example.yaml")
    with pytest.raises(SettingsError) as refused:
        load(secret["stringData"])
    assert {problem.split()[0] for problem in refused.value.problems} == secret["stringData"].keys()


# systemd


@tool("systemd-analyze", "systemd")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_knows_every_line_and_calls_the_exposure_ok(unit: Path, tmp_path: Path) -> None:
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace("/opt/reportbot/.venv/bin", str(Path(sys.executable).parent)))
    assert said("systemd-analyze", "verify", "--man=no", str(here)) == ""
    judged = said("systemd-analyze", "security", "--offline=yes", "--no-pager", str(here))
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", judged)
    assert float(exposure) < 2


def test_the_script_for_single_commands_runs_them_as_the_units_do(tmp_path: Path) -> None:
    """systemd-run is replaced by a program that prints what it is given."""
    page = (DEPLOY / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(
        r"^sudo tee /usr/local/sbin/reportbot >/dev/null <<'END'\n(.*?)^END$", page, re.MULTILINE | re.DOTALL
    )
    (tmp_path / "script").write_text(text)
    (tmp_path / "systemd-run").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    (tmp_path / "systemd-run").chmod(0o755)
    given = said("sh", str(tmp_path / "script"), "audit", "--person", "a b", env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    *options, program, first, second, third = given.splitlines()
    assert (program, first, second, third) == ("/opt/reportbot/.venv/bin/reportbot", "audit", "--person", "a b")
    assert {"--pty", "--pipe"} <= set(options)
    wanted = [one.partition("=")[2] for one in options if one.startswith(("--property=", "--setenv=DATA_DIR"))]
    for unit in UNITS:
        assert [one for one in wanted if one not in unit.read_text()] == []
        assert "\nUser=reportbot\n" in unit.read_text()
    assert "--uid=reportbot" in options
