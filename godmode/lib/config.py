"""Configuration: a TOML file, checked by type, with every mistake named by file, line and key.

Sections of sources, channels and watchers are kept as they stand and checked by the settings class in
its own module (see `section`), so that a run pays only for what it uses.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import time
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from godmode.lib import paths
from godmode.lib.errors import Usage
from godmode.lib.sections import TIME, Settings

T = TypeVar("T")


def parse_time(text: str) -> time:
    """`HH:MM` on a 24-hour clock. Raises ValueError with a line for the operator."""
    if not re.match(TIME, text):
        raise ValueError(f'"{text}" is not a time of day such as "08:00"')
    return time.fromisoformat(text)


class Config(Struct, frozen=True):
    """The settings, and where they came from. `path` may not exist: then all is default."""

    path: Path
    settings: Settings
    state: Path

    @property
    def zone(self) -> ZoneInfo:
        return zone(self.settings.timezone)

    def beside(self, relative: str) -> Path:
        """A path of the configuration, which is relative to the file."""
        return self.path.parent / Path(relative).expanduser()


def zone(name: str) -> ZoneInfo:
    """The time zone of this name. Raises ValueError with a line for the operator."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a folder is an OSError
        from zoneinfo import available_timezones

        near = nearest(name, available_timezones())
        raise ValueError(f'"{name}" is not a time zone{near}') from None


def nearest(word: str, known: Iterable[str]) -> str:
    """` (did you mean …?)`, or nothing when no known word is near."""
    import difflib  # only a mistake pays for it

    by_lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f' (did you mean "{by_lower[close[0]]}"?)' if close else ""


def load(path: Path | None = None, env: Mapping[str, str] = os.environ) -> Config:
    """Read the configuration file. Without `path`, the default one, which may be missing.

    Raises Usage, with file, line and key, for anything that cannot be used.
    """
    where = (path or paths.default_config(env)).absolute()
    try:
        raw = where.read_bytes()
    except FileNotFoundError:
        if path is not None:
            raise Usage(f"there is no configuration file {where}", "`godmode init` writes one") from None
        raw = b""
    except OSError as e:
        raise Usage(f"cannot read the configuration {where}: {e.strerror}", "check its owner and mode") from e
    settings = parse(raw, where)
    return Config(path=where, settings=settings, state=state_folder(settings, where, env))


def state_folder(settings: Settings, where: Path, env: Mapping[str, str] = os.environ) -> Path:
    """The state folder that the settings of the file at `where` mean."""
    folder = settings.state_dir
    if folder is None or env.get("GODMODE_HOME"):
        state = paths.default_state(env)
    else:
        state = where.parent / Path(folder).expanduser()
    return Path(os.path.normpath(state.absolute()))


def parse(raw: bytes, where: Path) -> Settings:
    """The settings in the bytes of a file. Raises Usage."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = raw[: e.start].count(b"\n") + 1
        raise Usage(f"{where}, line {line}: not UTF-8", "save the file as UTF-8") from e
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        why = _lower_first(str(e)).replace("(at end of document)", f"(at line {text.count(chr(10)) + 1}, the end)")
        raise Usage(f"{where}: not TOML: {why}", "mend that line") from e
    settings = convert(_with_sections(tree), Settings, where, (), text)
    try:
        zone(settings.timezone)
    except ValueError as e:
        raise _at(where, text, ("timezone",), str(e)) from e
    for kind in ("sources", "channels"):
        for name, value in getattr(settings, kind).items():
            if not isinstance(value, dict):
                raise _at(where, text, (kind, name), f"expected a section, [{kind}.{name}]")
    return settings


def _with_sections(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree, with the tables of [watchers] apart from its values."""
    watchers = tree.get("watchers")
    if not isinstance(watchers, dict):
        return tree
    tables = {name: value for name, value in watchers.items() if isinstance(value, dict)}
    values = {name: value for name, value in watchers.items() if name not in tables}
    return tree | {"watchers": values | ({"sections": tables} if tables else {})}


def sections(settings: Settings, kind: str) -> Mapping[str, Any]:
    """The sections of a kind by name: of `sources`, `channels` or `watchers`."""
    found: Mapping[str, Any] = settings.watchers.sections if kind == "watchers" else getattr(settings, kind)
    return found


def section(config: Config, kind: str, name: str, shape: type[T]) -> T:
    """The settings of one source, channel or watcher, e.g. `section(config, "sources", "chatlogs", Settings)`.

    Raises Usage as `load` does.
    """
    tree = sections(config.settings, kind).get(name, {})
    try:
        return msgspec.convert(tree, shape)
    except msgspec.ValidationError:
        text = config.path.read_bytes().decode("utf-8-sig")
        return convert(tree, shape, config.path, (kind, name), text)


def convert(tree: Any, shape: type[T], where: Path, prefix: tuple[str, ...], text: str) -> T:
    """Check a tree of values against a settings class. Raises Usage with file, line and key."""
    try:
        return msgspec.convert(tree, shape)
    except msgspec.ValidationError as e:
        raise _mistake(e, shape, where, prefix, text) from e


def _mistake(e: msgspec.ValidationError, shape: type, where: Path, prefix: tuple[str, ...], text: str) -> Usage:
    message, _, at = str(e).partition(" - at `$")
    keys = prefix + tuple(k for k in re.split(r"[.\[\]`]+", at) if k)
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", message)
    if unknown:
        siblings = _keys_of(shape, keys[len(prefix) :])
        return _at(where, text, (*keys, unknown[1]), f"there is no such key{nearest(unknown[1], siblings)}")
    missing = re.fullmatch(r"Object missing required field `(.*)`", message)
    if missing:
        return _at(where, text, (*keys, missing[1]), "it is needed and not there")
    wrong = re.fullmatch(r"Invalid enum value '(.*)'", message)
    if wrong:
        known = _words_of(shape, keys[len(prefix) :])
        return _at(where, text, keys, f'"{wrong[1]}" is none of {", ".join(known)}{nearest(wrong[1], known)}')
    return _at(where, text, keys, _plain(message))


def _at(where: Path, text: str, keys: tuple[str, ...], message: str) -> Usage:
    line = line_of(text, keys)
    place = f"{where}, line {line}" if line else f"{where}"
    return Usage(f"{place}: {'.'.join(keys)}: {message}")


_TYPES = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "array": "a list",
    "object": "a section", "null": "nothing",
}  # fmt: skip


def _plain(message: str) -> str:
    """A message of msgspec in the words of TOML: "expected a whole number, got text"."""
    if TIME in message.replace("\\\\", "\\"):
        return 'expected a time of day such as "08:00"'
    if "https?://" in message:
        return 'expected an address such as "https://example.com"'
    for name, words in _TYPES.items():
        message = message.replace(f"`{name} | null`", words).replace(f"`{name}`", words)
    return _lower_first(message)


def _keys_of(shape: Any, keys: tuple[str, ...]) -> list[str]:
    """The keys that a settings class knows at a place below it."""
    info = _below(shape, keys)
    return [f.encode_name for f in info.fields] if isinstance(info, msgspec.inspect.StructType) else []


def _words_of(shape: Any, keys: tuple[str, ...]) -> list[str]:
    """The words that are taken at a place below a settings class."""
    info = _below(shape, keys)
    kinds = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    return [str(v) for kind in kinds if isinstance(kind, msgspec.inspect.LiteralType) for v in kind.values]


def _below(shape: Any, keys: tuple[str, ...]) -> Any:
    info = msgspec.inspect.type_info(shape)
    for key in keys:
        if isinstance(info, msgspec.inspect.StructType):
            info = next(f.type for f in info.fields if f.encode_name == key)
        elif isinstance(info, msgspec.inspect.ListType):
            info = info.item_type
    return info


def line_of(text: str, keys: tuple[str, ...]) -> int | None:
    """The line, from 1, on which a key stands in a TOML text; its nearest parent's where it is not found.

    An element of an array of tables is counted from 0 in `keys`: `("routes", "1", "via")`.
    """
    best, found = 0, None
    table: tuple[str, ...] = ()
    arrays: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[+)\s*([^\]]+?)\s*\]+", line):
            table = _split(header[2])
            if header[1] == "[[":
                arrays[table] = arrays.get(table, -1) + 1
                table += (str(arrays[table]),)
            here = [table]
        else:
            names = [_split(m[1]) for m in re.finditer(r"""(?:^|[{,])\s*([\w."'-]+)\s*=""", line)]
            here = [table + name for name in names[:1]] + [table + names[0] + name for name in names[1:]]
        for path in here:
            common = _shared(path, keys)
            if common > best:
                best, found = common, number
    return found


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many names two paths have in common from their beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def secret(name: str, env: Mapping[str, str] = os.environ) -> str | None:
    """A secret by its name: the variable NAME, the file in NAME_FILE, or the systemd credential NAME.

    Raises Usage when a file that is named cannot be read or is empty.
    """
    if value := env.get(name, "").strip():
        return value
    file = env.get(f"{name}_FILE")
    folder = env.get("CREDENTIALS_DIRECTORY")
    if file is None and folder and (Path(folder) / name).is_file():
        file = str(Path(folder) / name)
    if file is None:
        return None
    try:
        value = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise Usage(f"cannot read {name} from {file}: {getattr(e, 'strerror', None) or 'not UTF-8'}") from e
    if not value:
        raise Usage(f"{name} is empty in {file}", f"put the secret into it, or unset {name}_FILE")
    return value


def token(name: str, fix: str) -> str:
    """A secret that goes into a header of HTTP. Raises Usage, with `fix`, when it is not set or could never be one."""
    value = secret(name)
    if value is None:
        raise Usage(f"{name} is not set", fix)
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise Usage(f"{name} has characters that no token has", fix)
    return value
