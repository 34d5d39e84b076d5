"""`--set key=value`: any setting (`section.key`) and any key of the signal policy (`policy.soft.silence.on`)."""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from churnwatch.country_policy import policy_of_country
from churnwatch.engine_parts import POLICY_FILE, EngineParts
from churnwatch.errors import UserError
from churnwatch.settings import Settings, SettingsError, read_settings
from churnwatch.settings_sources import ENV_PREFIX, ENV_SEPARATOR, section_schema
from pipeline.features.catalogue import features_for
from pipeline.policy import FROM_COUNTRY, HardPolicy, SignalPolicy, SoftPolicy, checked_policy
from pipeline.signals.registry import SOFT_SIGNAL_NAMES

POLICY = "policy"


def parts_with(
    assignments: Sequence[str], partitions: int | None = None, policy_file: Path = POLICY_FILE
) -> EngineParts:
    """The worker's engine parts by files, environment and these assignments.

    Raises:
        UserError: no `key=value`, an unknown key (the message lists the allowed ones), or a value that is not allowed.
        PolicyError: the changed policy is not consistent.
    """
    pairs = [_pair(text) for text in assignments]
    if partitions is not None:
        pairs.append(("kafka.partitions", str(partitions)))
    policy = _policy_with([pair for pair in pairs if pair[0].split(".")[0] == POLICY], policy_file)
    settings = _settings_with([pair for pair in pairs if pair[0].split(".")[0] != POLICY])
    policy = policy_of_country(policy, settings.law.country)
    return EngineParts(settings, policy, features_for(list(policy.hard)))


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise UserError(f"--set {text}: write key=value, for example --set engine.tick_s=7200")
    return key.strip(), value.strip()


def _settings_with(pairs: Iterable[tuple[str, str]]) -> Settings:
    environ = dict(os.environ)
    for key, value in pairs:
        section, _, name = key.partition(".")
        _must_be_known(section, [*Settings.model_fields, POLICY], key, key)
        _must_be_known(name, list(section_schema(Settings, section)), key, section)
        environ[f"{ENV_PREFIX}{section.upper()}{ENV_SEPARATOR}{name.upper()}"] = value
    try:
        return read_settings(environ=environ)
    except SettingsError as error:
        message = str(error)
        for key, _ in pairs:
            variable = f"{ENV_PREFIX}{key.replace('.', ENV_SEPARATOR).upper()}"
            message = message.replace(f"environment variable {variable}", f"--set {key}")
        raise SettingsError(message) from None


def _policy_with(pairs: Iterable[tuple[str, str]], policy_file: Path) -> SignalPolicy:
    raw = _read(policy_file)
    changed = []
    for key, value in pairs:
        _assign(raw, key, _toml_value(value))
        changed.append(key)
    source = f"{policy_file.name} with --set {', '.join(changed)}" if changed else str(policy_file)
    return checked_policy(raw, source, SOFT_SIGNAL_NAMES)


def _assign(raw: dict[str, Any], key: str, value: object) -> None:
    """Put a value at `policy.<key>`, `policy.soft.<signal>.<key>` or `policy.hard.<signal>.<key>`."""
    path = key.split(".")[1:]
    allowed: Sequence[str] = [
        name for name in SignalPolicy.__struct_fields__ if name not in ("soft", "hard", *FROM_COUNTRY)
    ]
    target: dict[str, Any] = raw
    if path[:1] in (["soft"], ["hard"]):
        kind, path = path[0], path[1:]
        _must_be_known(path[0] if path else "", list(raw[kind]), key, f"policy.{kind}")
        target = raw[kind][path[0]]
        allowed = (SoftPolicy if kind == "soft" else HardPolicy).__struct_fields__
        path = path[1:]
    else:
        allowed = [*allowed, "soft", "hard"]
    _must_be_known(path[0] if len(path) == 1 else ".".join(path), allowed, key, key.rpartition(".")[0])
    target[path[0]] = value


def _must_be_known(name: str, allowed: Sequence[str], key: str, where: str) -> None:
    if name in allowed:
        return
    close = difflib.get_close_matches(name, allowed, n=1)
    hint = f" (perhaps `{close[0]}`?)" if close else ""
    raise UserError(f"--set {key}: unknown key{hint}; allowed in `{where}` are {', '.join(allowed)}")


def _toml_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"cannot read the signal policy {path}: {error}") from None


def assigned(assignments: Sequence[str]) -> Mapping[str, str]:
    """The assignments by key, for the report."""
    return dict(_pair(text) for text in assignments)
