"""Read a file of settings (``--env-file``), as ``docker run --env-file`` does."""

from __future__ import annotations

import re
from pathlib import Path

from bot.errors import SettingsError
from bot.setting_types import without_quotes

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*([^\0]*)")


def read_env_file(path: str) -> dict[str, str]:
    """Read lines of ``NAME=value``; raises ``SettingsError``.

    Nothing within a value is special, so that any secret can be written as it is. ``export`` before a name is allowed.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise SettingsError([f"--env-file {path} is not text. Save it as UTF-8."]) from None
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "not a file name"
        raise SettingsError([f"--env-file {path} can't be read ({reason}). Name a readable file."]) from exc
    found, problems = {}, []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        parts = _LINE.fullmatch(text)
        if parts is None:
            problems.append(f"--env-file {path}, line {number}, is not NAME=value. Correct it, or put # before it.")
        else:
            found[parts[1]] = without_quotes(parts[2])
    if problems:
        raise SettingsError(problems)
    return found
