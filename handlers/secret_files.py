"""Secret files: settings that a container platform or systemd hands over as one file each, in a folder.

A file has the name of the environment variable it stands for, in any case: `KOL_ADVISOR_LINE__CHANNEL_SECRET`.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic_settings import NestedSecretsSettingsSource, PydanticBaseSettingsSource

FOLDER_VARIABLE = "KOL_ADVISOR_SECRETS_DIR"
SYSTEMD_VARIABLE = "CREDENTIALS_DIRECTORY"


class SecretFilesFault(Exception):
    """The folder of secrets cannot be read; the text says which, and nothing of its content."""


def folders() -> tuple[Path, ...]:
    """The folders to look into, the one that wins last: systemd's credentials, then the one we are told.

    Raises `SecretFilesFault` where the latter is not there: a secret that is missed would go unnoticed.
    """
    found: list[Path] = []
    credentials = os.environ.get(SYSTEMD_VARIABLE, "")
    # A terminal may inherit the variable from the unit that started it, without the right to look inside.
    if credentials and os.access(credentials, os.R_OK | os.X_OK) and Path(credentials).is_dir():
        found.append(Path(credentials))
    named = os.environ.get(FOLDER_VARIABLE, "")
    if named:
        if not (os.access(named, os.R_OK | os.X_OK) and Path(named).is_dir()):
            raise SecretFilesFault(f"{FOLDER_VARIABLE}: {named} is no folder that can be read")
        found.append(Path(named))
    return tuple(found)


def source(plain: PydanticBaseSettingsSource) -> PydanticBaseSettingsSource:
    """The library's source of such files in the place of its `plain` one. Raises `SecretFilesFault`."""
    places = folders()
    try:
        # Whatever else lies there is none of our business, but the library reads it all.
        return NestedSecretsSettingsSource(plain, secrets_dir=list(places))
    except (OSError, ValueError) as error:
        named = " and ".join(map(str, places))
        raise SecretFilesFault(
            f"{named}: a file in it cannot be read as text ({error.__class__.__name__}); "
            "keep only secrets of this program there"
        ) from None
