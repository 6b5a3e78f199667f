"""The watch: what is counted and logged of events, turns and tries to deliver, around the functions that do them."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.commit import Work
from bot.dead_letter import storable
from bot.delivery import Delivered, Later, Outcome, Outgoing, Retry, Send, platform_of, settle
from bot.memory import MemoryFault
from bot.message import Message
from bot.misses import Miss
from bot.store import Busy
from handlers.exchange import Answer, Answered
from handlers.log import failure, logger
from handlers.metrics import Metrics
from handlers.pseudonym import Pseudonym
from handlers.webhooks import Submit

# What people call a platform, by how it begins its persons' ids.
PLATFORMS = {"line": "line", "tg": "telegram"}
UNKNOWN = "unknown"  # the kind of an event that was never read
_ADDRESSES = {"/line": "line", "/telegram": "telegram"}
# A platform may quote what it could not read.
_QUOTED = re.compile(r"([\"“«「]).*([\"”»」])", re.DOTALL)


class Watch:
    """Looks on and changes nothing: whatever is put around a function returns and raises what that function does."""

    def __init__(
        self,
        metrics: Metrics,
        pseudonym: Pseudonym,
        *,
        texts: bool = False,
        seconds: Callable[[], float] = time.perf_counter,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`texts`: whether debug lines hold what people write. `seconds` never goes back; `now` is since 1970."""
        self._metrics, self._pseudonym, self._texts = metrics, pseudonym, texts
        self._seconds, self._now = seconds, now
        self._log = logger()

    def work(self, answer: Answer) -> Work:
        """The store's work, counted; a commit that has to be repeated does it, and counts it, again."""

        def watched(
            state: str | None, payload: str
        ) -> tuple[str, tuple[str, ...]] | tuple[str, tuple[str, ...], tuple[Miss, ...]]:
            began = self._seconds()
            try:
                done = answer(state, payload)
                for text in (done.state, *done.bodies):
                    storable(text)
            except Exception as error:
                self._metrics.failed_turns.inc()
                self._log.error("dead letter: a turn failed", reason=failure(error))
                raise
            self._turned(done, self._seconds() - began)
            if done.turn.miss is None:
                return done.state, done.bodies
            return done.state, done.bodies, (done.turn.miss,)

        return watched

    def _turned(self, done: Answered, seconds: float) -> None:
        message, turn, metrics = done.message, done.turn, self._metrics
        metrics.turns.observe(seconds)
        metrics.intents.labels(turn.intent).inc()
        metrics.languages.labels(turn.language).inc()
        if turn.advice is not None and turn.advice.lead and any(reply.name == "advice" for reply in turn.replies):
            metrics.roles.labels(turn.advice.lead).inc()
        if self._log.isEnabledFor(10):
            self._log.debug(
                "turn",
                platform=_platform(message.person),
                kind=message.kind,
                intent=turn.intent,
                language=turn.language,
                took_ms=round(seconds * 1000, 2),
                message=self._pseudonym(message.id),
                person=self._pseudonym(message.person),
                **({"said": message.text} if self._texts else {}),
            )
        if any(reply.name == "forgotten" for reply in turn.replies):
            # What the log holds of them cannot be linked to them any more.
            self._pseudonym.renew()

    def submit(self, keep: Submit) -> Submit:
        """Handing a message to the store, counted by what became of it."""

        async def watched(message: Message, target: dict[str, object]) -> object:
            outcome: object = "fault"
            try:
                with self._metrics.inbox.track_inprogress():
                    outcome = await keep(message, target)
            except Busy as busy:
                outcome = "busy"
                self._log.warning("an event was sent back", reason=str(busy))
                raise
            except MemoryFault as fault:
                self._log.warning("an event could not be kept", reason=str(fault))
                raise
            finally:
                self._metrics.events.labels(_platform(message.person), message.kind, str(outcome)).inc()
            return outcome

        return watched

    def send(self, send: Send) -> Send:
        """Trying once to deliver, timed and counted; what will not be delivered any more is a line of its own."""

        async def watched(outgoing: Outgoing) -> Outcome:
            began = self._seconds()
            outcome: Outcome = Retry(None, "no answer in time")
            try:
                outcome = await send(outgoing)
            except Exception as error:
                outcome = Retry(None, error.__class__.__name__)
                raise
            finally:
                self._tried(outgoing, outcome, self._seconds() - began)
            return outcome

        return watched

    def _tried(self, outgoing: Outgoing, outcome: Outcome, seconds: float) -> None:
        platform, verdict = _platform(outgoing.conversation), settle(outcome, outgoing, self._now())
        self._metrics.sends.labels(platform).observe(seconds)
        if isinstance(verdict, Delivered):
            self._metrics.replies.labels(platform, "delivered").inc()
        elif isinstance(verdict, Later):
            self._metrics.replies.labels(platform, "retry").inc()
            reason = without_quotes(outcome.reason) if isinstance(outcome, Retry) else ""
            waits = {"platform": platform, "reason": reason, "seconds": round(verdict.due - self._now(), 1)}
            if isinstance(outcome, Retry) and outcome.everyone:
                self._log.warning("the platform wants quiet", **waits)
            else:
                self._log.warning("a reply waits for another try", tries=verdict.tries, **waits)
        elif verdict.unread:
            self._metrics.replies.labels(platform, "unread").inc()
        else:
            self._metrics.replies.labels(platform, "dropped").inc()
            reason = without_quotes(verdict.reason)
            self._log.error("dead letter: a reply is given up", platform=platform, reason=reason)

    @web.middleware
    async def gate(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Requests at a platform's address that are refused before they are events: unsigned, malformed, too many."""
        platform = _ADDRESSES.get(request.path)
        if platform is None:
            return await handler(request)
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            if 400 <= status < 500:
                self._metrics.events.labels(platform, UNKNOWN, "refused").inc()
                self._log.warning("a request was refused", platform=platform, status=status)
            elif status == 500:
                self._metrics.events.labels(platform, UNKNOWN, "fault").inc()


def without_quotes(reason: str) -> str:
    """A platform's reason without what it quotes, which may be a person's words."""
    return _QUOTED.sub(r"\1…\2", reason)


def _platform(id: str) -> str:
    name = platform_of(id)
    return PLATFORMS.get(name, name)
