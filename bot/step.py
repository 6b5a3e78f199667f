"""The step: one message and what is kept of a person become replies and what is kept next; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.answers import answer
from bot.choices import MOST_CHOICES, after_advice, beside_echo, for_question
from bot.conversation import Conversation
from bot.echo import decided, differences, echo_of
from bot.evidence import witnessed
from bot.message import Message
from bot.misses import Miss, learnt, missed
from bot.picked import picks
from bot.press import press
from bot.pressed import pressed
from bot.reply import Reply, reply
from bot.resembling import with_guesses
from bot.spoken import language_in, spoken_in
from bot.understand import understand
from bot.understood import Intent, Understood
from bot.undo import noted, outdated, undone, unsent
from knowledge.advice import Advice, advise
from knowledge.brief import Brief
from knowledge.change import Add, Allow, Exclude, Set, Times, changed
from knowledge.knowledge import Knowledge

MOST_ALLOWED = 4  # buttons that bring a role back, beside the other things that can be changed
MISSES = ("miss_choices", "miss_example", "miss_help")
_SOCIAL = ("human", "insult", "bot", "privacy", "thanks", "small_talk", "agreed")


@dataclass(frozen=True, slots=True)
class Turn:
    """One message answered: what is kept, what is said, and what the message was.

    `evidence` are the person's words by field. `miss` is what a tap tells of the message before it.
    """

    conversation: Conversation
    replies: tuple[Reply, ...]
    intent: Intent
    intents: frozenset[str]
    advice: Advice | None
    language: str
    market: str
    evidence: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    miss: Miss | None = None


def step(conversation: Conversation, message: Message, knowledge: Knowledge) -> tuple[Conversation, tuple[Reply, ...]]:
    """Carry one message to replies. Pure: no clock, no I/O; never raises on any message."""
    turn = take(conversation, message, knowledge)
    return turn.conversation, turn.replies


def take(conversation: Conversation, message: Message, knowledge: Knowledge, *, learn: bool = False) -> Turn:
    """`step`, with the message's intent and the advice beside the replies; with `learn` also what was missed."""
    if message.kind == "removed":
        return _silent(Conversation(), knowledge)
    if message.kind == "unsent" or outdated(conversation, message):
        return _silent(unsent(conversation, message) if message.kind == "unsent" else conversation, knowledge)
    done = _answered(conversation, message, knowledge)
    after, tapped, miss = done.conversation, _tapped(message, conversation, knowledge), None
    open_ = None
    if learn and tapped is not None:
        miss, open_ = learnt(conversation, after, tapped, done.language)
    elif learn:
        open_ = missed(message, after, frozenset(said.name for said in done.replies), done.intents, done.evidence)
    return replace(done, conversation=noted(conversation, after.having(missed=open_), message), miss=miss)


def _silent(conversation: Conversation, knowledge: Knowledge) -> Turn:
    """A message that is not answered: taken back, older than its own edit, or from where nobody can reach us."""
    return Turn(conversation, (), "other", frozenset(), None, language_in(conversation, knowledge), "")


def _answered(conversation: Conversation, message: Message, knowledge: Knowledge) -> Turn:
    before = conversation
    # What was edited is heard in the place of what it was.
    conversation = undone(conversation, message.ref)
    if message.kind != "text" and message.pressed is None:
        return _wordless(conversation, message, knowledge)
    known = _heard(message, conversation, knowledge)
    heard = known or Understood(None, "other", frozenset({"resume"}))
    conversation = spoken_in(conversation, heard, message.language_hint, knowledge)
    if heard.intent in ("restart", "cancel"):
        conversation = conversation.having(brief=Brief(), words={}, misses=0)
        name = "restarted" if heard.intent == "restart" else "cancelled"
        asking = _ask(conversation, knowledge) if name == "restarted" else ()
        return _turn(conversation, [reply(name), *asking], heard, message, knowledge)
    if known is None and _complete(conversation):
        return _turn(conversation, [_old_button(conversation, message, knowledge)], heard, message, knowledge)
    if "forget_me" in heard.intents and not heard.changes:
        language = language_in(conversation, knowledge)
        return Turn(Conversation(), (reply("forgotten"),), "other", heard.intents, None, language, "")
    replies = [reply("cut")] if heard.cut else [] if known else [reply("press_unknown")]
    brief, told = _changes(conversation.brief, heard, knowledge)
    words = witnessed(conversation.words, conversation.brief, brief, heard)
    conversation = conversation.having(brief=brief, words=words)
    replies += told
    said = _says(before, conversation, heard, message, knowledge, refused=bool(told))
    replies += said or (_resume(conversation, knowledge) if told else ())
    if replies and replies != [reply("cut")]:
        conversation = conversation.having(misses=0)
    elif before.brief.empty and not before.offered:
        # Nobody has spoken yet: a greeting says more than "I did not get that".
        replies += [reply("greeting", again=False), *_ask(conversation, knowledge)]
    else:
        conversation = conversation.having(misses=before.misses + 1)
        replies += _missed(before, conversation, knowledge)
    intent = _intent(heard, before.brief, conversation.brief)
    return _turn(conversation, replies, heard, message, knowledge, intent)


def _wordless(conversation: Conversation, message: Message, knowledge: Knowledge) -> Turn:
    """An arrival is greeted; a sticker, picture or voice message cannot be read, which is said with a way on."""
    arrived = message.kind == "arrived"
    heard = Understood(None, "greeting" if arrived else "other", frozenset({"greeting"} if arrived else ()))
    conversation = spoken_in(conversation, heard, message.language_hint, knowledge)
    again = not conversation.brief.empty
    first = reply("greeting", again=again) if arrived else reply("wordless", kind=message.kind)
    replies = [first, *_resume(conversation, knowledge)]
    if _complete(conversation):
        replies = [reply(first.name, _onward(conversation, message, knowledge), **first.args)]
    return _turn(conversation, replies, heard, message, knowledge)


def _onward(conversation: Conversation, message: Message, knowledge: Knowledge) -> tuple[str, ...]:
    """What can be done after the answer."""
    advice = advise(decided(conversation, knowledge), knowledge, message.sent_at.date())
    return after_advice(advice, echo_of(conversation, knowledge), knowledge) if advice else (press("restart"),)


def _old_button(conversation: Conversation, message: Message, knowledge: Knowledge) -> Reply:
    """A button that means nothing any more, after the answer: what can be done from here."""
    return reply("press_unknown", _onward(conversation, message, knowledge))


def _intent(heard: Understood, before: Brief, after: Brief) -> Intent:
    """The message's intent; one known field said anew is an edit, whatever the words."""
    fields = ("goal", "category", "budget", "market")
    anew = [f for f in fields if getattr(before, f) is not None and getattr(before, f) != getattr(after, f)]
    filled = [f for f in fields if getattr(before, f) is None and getattr(after, f) is not None]
    return "edit" if heard.intent == "brief" and len(anew) == 1 and not filled else heard.intent


def _heard(message: Message, conversation: Conversation, knowledge: Knowledge) -> Understood | None:
    """What the message says; `None` for a button that means nothing any more."""
    tapped = _tapped(message, conversation, knowledge)
    if tapped is not None:
        return pressed(tapped, knowledge, conversation.brief)
    asks = conversation.brief.next_question
    heard = understand(message.text, knowledge, language=conversation.language, asks=asks)
    return heard if conversation.brief.category else with_guesses(heard, message.text, knowledge)


def _tapped(message: Message, conversation: Conversation, knowledge: Knowledge) -> str | None:
    """The payload of the button that was tapped, or whose number was typed."""
    if message.pressed is not None:
        return message.pressed
    picked = picks(message.text, knowledge)
    within = picked is not None and 1 <= picked <= len(conversation.offered)
    return conversation.offered[picked - 1] if picked is not None and within else None


def _changes(brief: Brief, heard: Understood, knowledge: Knowledge) -> tuple[Brief, list[Reply]]:
    """The brief after all changes, with a word on those that could not be made."""
    told: list[Reply] = []
    if heard.refused:
        told.append(reply("refused", reason=heard.refused, kept=brief.budget is not None))
    for change in heard.changes:
        after = changed(brief, change)
        if isinstance(change, Set) and change.field in ("goal", "category"):
            stale = {key for key, entry in knowledge.readings.items() if entry.question == change.field}
            after = after.having(unclear=after.unclear - (stale - {change.reading}))
        if isinstance(change, Set) and change.field == "goal":
            after = after.having(second=None)
        if after == brief and isinstance(change, Add | Times):
            told.append(_unmoved(brief, change))
        brief = after
    return brief, told


def _unmoved(brief: Brief, change: Add | Times) -> Reply:
    if brief.budget is None:
        return reply("no_budget_yet")
    if isinstance(change, Add) and change.money.currency not in (None, brief.budget.currency):
        return reply("other_currency", budget=brief.budget)
    return reply("refused", reason="negative", kept=True)


def _says(
    before: Conversation,
    conversation: Conversation,
    heard: Understood,
    message: Message,
    knowledge: Knowledge,
    *,
    refused: bool,
) -> list[Reply]:
    """Everything there is to say to a message that was understood; empty for a miss, or beside a refusal."""
    replies: list[Reply] = []
    on = message.sent_at.date()
    old = advise(decided(before, knowledge), knowledge, on) if _complete(before) else None
    new = advise(decided(conversation, knowledge), knowledge, on) if _complete(conversation) else None
    if heard.wants_language:
        finished = heard.wants_language in knowledge.finished
        native = knowledge.languages[heard.wants_language].native
        replies.append(reply("language_set") if finished else reply("language_unfinished", native=native))
    replies += [reply(act) for act in _SOCIAL if act in heard.intents and not heard.changes]
    if "export_me" in heard.intents and not heard.changes:
        replies.append(reply("exported", echo=echo_of(conversation, knowledge), kept=conversation.dump()))
    if "help" in heard.intents and not heard.changes:
        replies.append(reply("help"))
    replies += [reply("never_a_role", roles=heard.never)] if heard.never else []
    change = differences(before, conversation, knowledge)
    for asked in heard.asked:
        replies += answer(asked, conversation, new, knowledge, on)
    if heard.edit_of and not heard.changes:
        return [*replies, _edit(heard.edit_of, conversation, knowledge)]
    if change or (heard.changes and not heard.asked and not refused):
        replies += _moved(old, new, change, heard, conversation, knowledge)
    elif heard.group or heard.guesses:
        if conversation.brief.category is None or not heard.asked:
            replies.append(_narrow(heard, conversation, knowledge))
    elif heard.goal_guesses and conversation.brief.goal is None and not heard.asked:
        replies += _ask(conversation, knowledge, first=heard.goal_guesses)
    elif "greeting" in heard.intents and not replies:
        again = not conversation.brief.empty
        replies += [reply("greeting", again=again), *_resume(conversation, knowledge)]
    elif not replies and "who" in heard.intents and new is not None:
        replies += _advice(None, new, {}, conversation, knowledge)
    elif replies or "resume" in heard.intents:
        replies += _resume(conversation, knowledge) if new is None or heard.wants_language else ()
        if "resume" in heard.intents and new is not None:
            replies += _advice(old, new, {}, conversation, knowledge)
    return replies


def _complete(conversation: Conversation) -> bool:
    return conversation.brief.next_question is None


def _moved(
    old: Advice | None,
    new: Advice | None,
    change: object,
    heard: Understood,
    conversation: Conversation,
    knowledge: Knowledge,
) -> list[Reply]:
    """After a change of the brief: the answer, or what was noted and the next question."""
    if new is not None:
        return _advice(old, new, change, conversation, knowledge)
    replies: list[Reply] = []
    for made in heard.changes:
        if isinstance(made, Exclude | Allow):
            replies.append(reply("excluded", roles=tuple(sorted(made.roles)), allowed=isinstance(made, Allow)))
    if conversation.brief.category is None and (heard.group or heard.guesses):
        return [*replies, _narrow(heard, conversation, knowledge)]
    return [*replies, *_ask(conversation, knowledge, first=heard.goal_guesses)]


def _advice(
    old: Advice | None, new: Advice, change: object, conversation: Conversation, knowledge: Knowledge
) -> list[Reply]:
    """The whole answer; after a change that leaves it as it was, only that."""
    echo = echo_of(conversation, knowledge)
    choices = after_advice(new, echo, knowledge)
    if new.lead is None:
        offers = tuple(press("allow", role.role) for role in new.roles if role.excluded and role.part != "blocked")
        return [reply("nobody", (*offers, press("restart")), advice=new, echo=echo)]
    moved = {"change": change or {}, "old": old}
    if old is not None and change and _gist(old) == _gist(new):
        return [reply("same", choices, advice=new, echo=echo, change=moved)]
    main = reply("advice", advice=new, brief=decided(conversation, knowledge), echo=echo, change=moved)
    apart = _apart(new, conversation, knowledge)
    offers = tuple(press("goal", str(one.args["second"])) for one in apart)
    choices = (*offers, *choices)[:MOST_CHOICES]
    return [main, reply("matrix", advice=new), *apart, reply("law_notes", choices, advice=new)]


def _apart(new: Advice, conversation: Conversation, knowledge: Knowledge) -> list[Reply]:
    """The question which goal goes first, where the second one named would put somebody else in the lead.

    An occasion ("we launch in May") is no goal that could go first.
    """
    brief = decided(conversation, knowledge)
    if brief.second is None or knowledge.goals[brief.second].occasion:
        return []
    swapped = advise(brief.having(goal=brief.second, second=brief.goal), knowledge, new.on)
    if swapped is None or swapped.lead == new.lead:
        return []
    return [reply("apart", first=brief.goal, second=brief.second)]


def _gist(advice: Advice) -> object:
    """What a person would call the same answer."""
    roles = tuple((entry.role, entry.part, entry.verdict, entry.weight) for entry in advice.roles)
    return advice.lead, advice.market, advice.goal, advice.category, roles, advice.matrix


def _ask(
    conversation: Conversation, knowledge: Knowledge, *, edit: str | None = None, first: tuple[str, ...] = ()
) -> tuple[Reply, ...]:
    """The next question, or the one to change, with the echo of what is known; likely goals `first`."""
    question = edit or conversation.brief.next_question
    if question is None:
        return ()
    echo = echo_of(conversation, knowledge)
    choices = for_question(question, echo.market, knowledge)  # type: ignore[arg-type]
    if question == "goal":
        likely = tuple(press("goal", goal) for goal in first)
        choices = (*likely, *(choice for choice in choices if choice not in likely))
    if edit is None:
        choices = beside_echo(choices, echo)
    return (reply(f"ask_{question}", choices, echo=echo, edit=edit is not None),)


def _resume(conversation: Conversation, knowledge: Knowledge) -> tuple[Reply, ...]:
    """After an aside: the question still open, if there is one."""
    return _ask(conversation, knowledge)


def _edit(what: str, conversation: Conversation, knowledge: Knowledge) -> Reply:
    match what:
        case "goal" | "category" | "budget":
            return _ask(conversation, knowledge, edit=what)[0]
        case "language":
            return reply("ask_language", tuple(press("language", code) for code in knowledge.finished))
        case "market":
            return reply("ask_market", tuple(press("market", code) for code in knowledge.markets))
    echo = echo_of(conversation, knowledge)
    verbs = [press("ask", question) for question in ("goal", "category", "budget")]
    rest = (press("markets"), *(press("allow", role) for role in echo.excluded[:MOST_ALLOWED]))
    talk = (press("staff", "yes"), press("staff", "no"), press("languages"), press("evidence"), press("restart"))
    return reply("ask_edit", (*verbs, *rest, *talk), echo=echo)


def _narrow(heard: Understood, conversation: Conversation, knowledge: Knowledge) -> Reply:
    """A product named too loosely: its group's categories, or the best guesses, as buttons."""
    echo = echo_of(conversation, knowledge)
    if heard.group and not heard.guesses:
        group = knowledge.groups[heard.group]
        within = beside_echo(tuple(press("category", c) for c in group.categories), echo)
        return reply("ask_group", within, group=heard.group, echo=echo)
    guesses = tuple(press("category", guess) for guess in heard.guesses)
    return reply("ask_guess", beside_echo((*guesses, press("ask", "category")), echo), echo=echo)


def _missed(before: Conversation, conversation: Conversation, knowledge: Knowledge) -> list[Reply]:
    """What to say to a message nobody understands: choices first, then an example, then help."""
    asks = conversation.brief.next_question
    name = MISSES[before.misses % len(MISSES)]
    market = echo_of(conversation, knowledge).market
    choices = for_question(asks, market, knowledge) if asks else (press("edit"), press("why"), press("restart"))
    return [reply(name, choices, asks=asks)]


def _turn(
    conversation: Conversation,
    replies: list[Reply],
    heard: Understood,
    message: Message,
    knowledge: Knowledge,
    intent: Intent | None = None,
) -> Turn:
    intent = intent or heard.intent
    offered = next((said.choices for said in reversed(replies) if said.choices), conversation.offered)
    conversation = conversation.having(offered=offered)
    brief = decided(conversation, knowledge)
    advice = advise(brief, knowledge, message.sent_at.date()) if _complete(conversation) else None
    language = language_in(conversation, knowledge)
    return Turn(
        conversation,
        tuple(replies),
        intent,
        heard.intents | ({intent} - {"other"}),
        advice,
        language,
        brief.market or "",
        heard.evidence,
    )
