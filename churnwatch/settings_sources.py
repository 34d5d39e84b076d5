"""Where settings come from: TOML files and environment variables, read by pydantic-settings, told apart in errors.

A later file wins over an earlier one, the environment wins over files. Each value remembers its source, so that an
error can say where to mend it.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, TomlConfigSettingsSource
from pydantic_settings import SettingsError as SourceError

from churnwatch.errors import UserError

ENV_PREFIX = "CHURNWATCH_"
ENV_SEPARATOR = "__"
#: Names that every operator knows, taken beside the long ones; the long one wins where both are set.
ENV_ALIASES = {"KAFKA_BOOTSTRAP": "CHURNWATCH_KAFKA__BOOTSTRAP", "REDIS_URL": "CHURNWATCH_REDIS__URL"}
#: Variables with our prefix that are no settings.
NOT_SETTINGS = frozenset({"CHURNWATCH_CONFIG", "CHURNWATCH_SCREENSHOTS"})

AnySettings = TypeVar("AnySettings", bound=BaseSettings)


class SettingsError(UserError):
    """A wrong configuration; the message names the key, the file or variable, and what is allowed."""


@dataclass(slots=True)
class _Layers:
    """Values by section and key as merged so far, and where each came from (`section` or `section.key` -> source)."""

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def add(self, values: Mapping[str, Any], sources: Mapping[str, str]) -> None:
        for section, keys in values.items():
            known = self.values.get(section)
            self.values[section] = {**known, **keys} if isinstance(known, dict) and isinstance(keys, dict) else keys
        self.sources.update(sources)


def load(model: type[AnySettings], files: Sequence[Path], environ: Mapping[str, str]) -> AnySettings:
    """Checked settings of `model` from these files and this environment.

    Raises:
        SettingsError: an unreadable file, an unknown key, a wrong value; one line for each fault.
    """
    layers = _Layers()
    for path in files:
        values = _read_toml(model, path)
        layers.add(values, dict.fromkeys(_keys(values), str(path)))
    layers.add(*_read_environment(model, environ))
    try:
        return model(**layers.values)
    except ValidationError as error:
        raise SettingsError(_explain(error, model, layers.sources)) from None


def allowed_values(schema: Mapping[str, Any]) -> str:
    """What a field's JSON Schema allows, in words.

    >>> allowed_values({"type": "integer", "minimum": 0, "maximum": 65535})
    'an integer from 0 to 65535'
    >>> allowed_values({"type": "string", "enum": ["zh", "en"]})
    'one of zh, en'
    """
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    if schema.get("format") == "path":
        return "a path"
    if any(choice.get("format") == "path" for choice in schema.get("anyOf", ())):
        return "a path, or empty"
    if "pattern" in schema:
        return f"text that matches {schema['pattern']}"
    kind = {"integer": "an integer", "number": "a number", "boolean": "true or false", "array": "a list"}
    return " ".join([kind.get(str(schema.get("type")), "text"), *_bounds(schema)])


def _bounds(schema: Mapping[str, Any]) -> list[str]:
    words = []
    if "minimum" in schema:
        words.append(f"from {schema['minimum']:g}" if "maximum" in schema else f"of {schema['minimum']:g} or more")
    if "exclusiveMinimum" in schema:
        words.append(f"above {schema['exclusiveMinimum']:g}")
    if "maximum" in schema:
        words.append(f"to {schema['maximum']:g}" if "minimum" in schema else f"up to {schema['maximum']:g}")
    return words


def section_schema(model: type[BaseSettings], section: str) -> dict[str, Any]:
    """JSON Schema of each key of a section, by key."""
    schema = model.model_json_schema()
    name = schema["properties"][section]["$ref"].rsplit("/", 1)[-1]
    properties: dict[str, Any] = schema["$defs"][name]["properties"]
    return properties


def _read_toml(model: type[BaseSettings], path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SettingsError(f"there is no configuration file {path}")
    try:
        return TomlConfigSettingsSource(model, toml_file=path)()
    except OSError as error:
        raise SettingsError(f"cannot read the configuration file {path}: {error.strerror}") from None
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None


def _read_environment(model: type[BaseSettings], environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Values by section and key, and the variable that gave each."""
    given = {name: value for name, value in environ.items() if name.startswith(ENV_PREFIX) and name not in NOT_SETTINGS}
    sources = {_key_of(model, name): f"environment variable {name}" for name in given}
    for short, long in ENV_ALIASES.items():
        if short in environ and long not in given:
            given[long] = environ[short]
            sources[_key_of(model, long)] = f"environment variable {short}"
    source = EnvSettingsSource(model, env_prefix=ENV_PREFIX, env_nested_delimiter=ENV_SEPARATOR)
    source.env_vars = {name.lower(): value for name, value in given.items()}
    try:
        return source(), sources
    except SourceError as error:
        raise SettingsError(f"environment variables: {error}") from None


def _key_of(model: type[BaseSettings], variable: str) -> str:
    """`kafka.bootstrap` for CHURNWATCH_KAFKA__BOOTSTRAP."""
    section, separator, key = variable.removeprefix(ENV_PREFIX).lower().partition(ENV_SEPARATOR)
    if section not in model.model_fields or not separator or not key:
        raise SettingsError(
            f"environment variable {variable} names no setting; a setting is "
            f"{ENV_PREFIX}<SECTION>{ENV_SEPARATOR}<KEY>, with a section of "
            f"{', '.join(name.upper() for name in model.model_fields)}"
        )
    return f"{section}.{key}"


def _keys(values: Mapping[str, Any]) -> Iterable[str]:
    for section, keys in values.items():
        yield section
        if isinstance(keys, dict):
            yield from (f"{section}.{key}" for key in keys)


def _explain(error: ValidationError, model: type[BaseSettings], sources: Mapping[str, str]) -> str:
    return "\n".join(_explain_one(dict(problem), model, sources) for problem in error.errors())


def _explain_one(problem: Mapping[str, Any], model: type[BaseSettings], sources: Mapping[str, str]) -> str:
    section, *rest = [str(part) for part in problem["loc"]]
    key = rest[0] if rest else ""
    name = f"{section}.{key}" if key else section
    origin = sources.get(name) or sources.get(section, "settings")
    if problem["type"] == "extra_forbidden":
        return _explain_unknown(origin, name, list(section_schema(model, section) if key else model.model_fields))
    if not key:
        keys = ", ".join(section_schema(model, section))
        return f"{origin}: `{section}` is a section, not a value; write [{section}] and below it its keys: {keys}"
    allowed = allowed_values(section_schema(model, section)[key])
    return f"{origin}: `{name}` = {problem['input']!r} is wrong; allowed is {allowed}"


def _explain_unknown(origin: str, name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name.rsplit(".", 1)[-1], known, n=1)
    hint = f" (perhaps `{close[0]}`?)" if close else ""
    return f"{origin}: unknown key `{name}`{hint}; allowed are {', '.join(known)}"
