"""What all tests share: property tests are the same every time, and none depends on timing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("steady")


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """Where LINE would give up on a busy machine, a test waits: seconds are tested where they are passed in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("handlers.line_inbox.KEEP_SECONDS", 60.0)
        patch.setattr("handlers.line_courtesy.LANGUAGE_SECONDS", 30.0)
        patch.setattr("handlers.line_courtesy.PATIENCE_SECONDS", 60.0)
        yield
