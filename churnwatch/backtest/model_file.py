"""A model in a file: learnt by one replay, kept, and used frozen by another."""

from pathlib import Path

from churnwatch.engine_parts import EngineParts
from churnwatch.errors import UserError
from models.exchange import RefusedModel, read_model


def freeze(parts: EngineParts, path: Path) -> None:
    """Let all engines score with this model from their first tick on, whatever tick it names.

    Raises:
        UserError: the file cannot be read, or holds no model that this release can use.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the model {path}: {error.strerror}; --keep-model writes one") from None
    received = read_model(raw, parts.schema, len(parts.features))
    if isinstance(received, RefusedModel):
        raise UserError(f"{path} holds no model for these features ({received.reason}): {received.detail}")
    parts.models.append((received.scorer, 0))


def write_model_file(raw: bytes, path: Path) -> None:
    """Write the message of a model.

    Raises:
        UserError: none was learnt, or the file cannot be written.
    """
    if not raw:
        raise UserError(
            "no model was learnt, so there is none to keep: too few churners were known, see learning.minimum_positives"
        )
    try:
        path.write_bytes(raw)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; choose a folder that exists and is yours") from None
