"""What the process that servers are forked from has done before: everything is imported, the knowledge warmed up."""

from __future__ import annotations

import linebot.v3.messaging  # noqa: F401
import telegram.request  # noqa: F401

from handlers import cli, serving  # noqa: F401
from handlers.rehearsal import rehearse
from knowledge.load import shipped

rehearse(shipped())
