"""Spoken: which language a conversation is in, and which one answers it."""

from __future__ import annotations

from bot.conversation import Conversation
from bot.understood import Understood
from knowledge.knowledge import FALLBACK_LANGUAGE, Knowledge


def language_in(conversation: Conversation, knowledge: Knowledge) -> str:
    """The language to answer in: the person's, where every wording of it exists."""
    language = conversation.language
    return language if language in knowledge.finished else FALLBACK_LANGUAGE


def spoken_in(conversation: Conversation, heard: Understood, hint: str | None, knowledge: Knowledge) -> Conversation:
    """Follow the language: chosen outright, else written in, else kept, else the platform's hint."""
    if heard.wants_language in knowledge.finished:
        return conversation.having(language=heard.wants_language, chosen=True)
    spoken = heard.language
    if conversation.home is None:
        home = spoken or (conversation.language or _known(hint, knowledge))
        if home and knowledge.languages[home].market:
            conversation = conversation.having(home=home)
    if conversation.chosen:
        return conversation
    language = spoken or conversation.language or _known(hint, knowledge) or FALLBACK_LANGUAGE
    return conversation.having(language=language)


def _known(hint: str | None, knowledge: Knowledge) -> str | None:
    """The language of ours that a platform's tag means: `zh-TW` is zh-Hant, `en-GB` is en."""
    if not hint:
        return None
    tag = hint.replace("_", "-").lower()
    return next((code for code in knowledge.languages if tag.split("-")[0] == code.lower().split("-")[0]), None)
