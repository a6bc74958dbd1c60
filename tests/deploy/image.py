"""What the Dockerfile makes and starts, without Docker: its own lines, in folders that begin empty, as another user.

A box (bubblewrap's) has this machine's system and the Python of the tests, read-only, and the image's own folders,
``/app`` and ``/data``. So the lines run word for word, at the paths that they name. What is not proved: the base image
itself, and the ``RUN`` of the last stage, which takes pip from it and makes ``/data``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.deploy import dockerfile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
USER = 10001
OF_THE_IMAGE = {"app", "build", "data", "dev", "home", "proc", "root", "sys", "tmp", "work"}
"""Folders of the root that are not this machine's: the image's own, and those that nothing in it may need."""
PYTHON = "/base/bin"
"""Where the base image's Python is; a name of our own, since it may be anywhere here."""
NOT_COPIED = ("__pycache__", "node_modules")
PATIENCE = 30.0


class Image:
    """The folders that the Dockerfile fills, and the programs that run in them."""

    def __init__(self, folder: Path) -> None:
        self.build_stage, self.stage = dockerfile.read(ROOT / "Dockerfile")
        self._folder = folder
        self.environ = {"PATH": f"{PYTHON}:/usr/bin:/bin", "HOME": "/"}
        for text in self.stage.all("ENV"):
            self.environ |= dockerfile.variables(text, self.environ)

    def of(self, path: str) -> Path:
        """Return where a folder of the image lies here; the first time it is empty, and belongs to the image's user."""
        place = self._folder / path.strip("/")
        if not place.exists():
            place.mkdir(parents=True)
            os.chown(place, USER, USER)
        return place

    def build(self) -> None:
        """Run the lines of the first stage, with this machine's settings of pip."""
        environ = self.environ | {"HOME": "/build"} | {n: v for n, v in os.environ.items() if n.startswith("PIP_")}
        workdir = "/"
        for instruction, text in self.build_stage.steps:
            match instruction:
                case "ENV" | "ARG":
                    environ |= dockerfile.variables(text, environ)
                case "WORKDIR":
                    workdir = text
                case "COPY":
                    self._copy(dockerfile.put_in(text, environ).split(), self.of(workdir))
                case "RUN":
                    box = self._box({"/build": self.of("/build"), "/app": self.of("/app"), "/tmp": self.of("/tmp")})
                    command = [*box, "--chdir", workdir, *_as_user(), "/bin/sh", "-ec", text]
                    done = subprocess.run(
                        command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
                    )
                    assert done.returncode == 0, done.stdout[-5000:]
                case _:
                    raise AssertionError(f"nothing here runs {instruction}")

    def _copy(self, named: Sequence[str], workdir: Path) -> None:
        *sources, target = named
        for name in sources:
            to = workdir / target / (name if target == "./" else "")
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, to, ignore=shutil.ignore_patterns(*NOT_COPIED))
            else:
                shutil.copy(ROOT / name, to)
        subprocess.run(["chown", "-R", f"{USER}:{USER}", str(workdir)], check=True)

    def _box(self, writable: Mapping[str, Path], readable: Mapping[str, Path] | None = None) -> list[str]:
        """Return what starts a program in a box of its own: no folder but these can be written, nor the root."""
        words = ["bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--as-pid-1", "--proc", "/proc"]
        for entry in sorted(Path("/").iterdir()):
            if entry.is_symlink():
                words += ["--symlink", str(entry.readlink()), str(entry)]
            elif entry.is_dir() and entry.name not in OF_THE_IMAGE:
                words += ["--ro-bind", str(entry), str(entry)]
        prefix = Path(sys.base_prefix)
        for folder in [*reversed(prefix.parents), Path(PYTHON).parent, Path(PYTHON)]:
            words += ["--perms", "755", "--dir", str(folder)]
        words += ["--ro-bind", str(prefix), str(prefix)]
        words += ["--symlink", os.path.realpath(sys.executable), f"{PYTHON}/python"]
        for path, place in (readable or {}).items():
            words += ["--ro-bind", str(place), path]
        for path, place in writable.items():
            words += ["--bind", str(place), path]
        return [*words, "--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/"]

    def container(self) -> list[str]:
        """Return what starts a program as in a container of the image: of the disk it can write ``/data`` alone."""
        return [*self._box({"/data": self.of("/data")}, {"/app": self.of("/app")}), "--chdir", "/", *_as_user()]


def _as_user() -> list[str]:
    """Return what becomes the image's user, who has no name here and no right of root's."""
    who = [f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    return ["setpriv", *who, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]


class Container:
    """A program in a box, as its process 1."""

    def __init__(self, image: Image, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self.log = image.of("/logs") / command[-1].replace("/", "_")
        self._inside = image.container()
        self._environ = image.environ | dict(environ)
        reading, writing = os.pipe()
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [self._inside[0], "--info-fd", str(writing), *self._inside[1:], *command],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=[writing],
            )
        os.close(writing)
        with os.fdopen(reading) as info:
            self.pid = int(json.load(info)["child-pid"])

    def run(self, command: Sequence[str]) -> int:
        """Run another program beside it and return its exit code, as a health check is run."""
        return subprocess.run([*self._inside, *command], env=self._environ, timeout=PATIENCE, check=False).returncode

    def stop(self) -> int:
        """End it as Docker does, and return its exit code."""
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def running(image: Image, command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Container]:
    """Run a program in a container; whatever happens, it has ended afterwards."""
    made = Container(image, command, environ)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.process.kill()  # bwrap takes all of it along
            made.process.wait(PATIENCE)
