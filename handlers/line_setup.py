"""Setting up LINE, and what an operator would otherwise find out from a person's complaint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.finding import Finding
from handlers.line_client import Answer, LineClient, web_address

MOST_ADDRESS = 500
TESTING_SECONDS = 15.0
_LOW_QUOTA = 0.8
_ENDPOINT = "/v2/bot/channel/webhook/endpoint"
_CONSOLE = "LINE Official Account Manager, Settings, Response settings"


async def set_up(client: LineClient, address: str) -> tuple[Finding, ...]:
    """Register the webhook's address (https) and let LINE test it; doing it again changes nothing."""
    fault = _address_fault(address)
    if fault:
        return (Finding(False, "webhook", fault),)
    known = await client.call("GET", _ENDPOINT)
    if known.well and known.data.get("endpoint") == address:
        done = Finding(True, "webhook", f"is {address} already")
    else:
        answer = await client.call("PUT", _ENDPOINT, {"endpoint": address})
        if not answer.well:
            return (Finding(False, "webhook", f"LINE did not take {address}: {_why(answer)}"),)
        done = Finding(True, "webhook", f"set to {address}")
    return (done, *await _active(client), await _test(client, address))


async def examine(client: LineClient, address: str = "") -> tuple[Finding, ...]:
    """What LINE tells about token, webhook and quota. `address` is what the webhook should be, if that is known."""
    bot = await client.call("GET", "/v2/bot/info")
    if bot.status == 401:
        text = "LINE refuses it: issue a new one in the LINE Developers console and set line.channel_access_token"
        return (Finding(False, "line token", text),)
    if not bot.well:
        return (Finding(False, "line token", f"cannot be checked: {_why(bot)}"),)
    name = " ".join(str(bot.data.get("displayName") or "").split())
    found = [Finding(True, "line token", f"accepted, for {name or 'a bot without a name'}"), _chat(bot.data)]
    endpoint = await client.call("GET", _ENDPOINT)
    if endpoint.status == 404 or (endpoint.well and not endpoint.data.get("endpoint")):
        found.append(Finding(False, "line webhook", "none is set: run kol-advisor line setup"))
    elif not endpoint.well:
        found.append(Finding(False, "line webhook", f"cannot be checked: {_why(endpoint)}"))
    else:
        here = str(endpoint.data["endpoint"])
        if address and here != address:
            found.append(Finding(False, "line webhook", f"is {here}, not {address}: run kol-advisor line setup"))
        else:
            found.append(Finding(True, "line webhook", f"is {here}"))
        found += [*_switch(endpoint.data), await _test(client, here)]
    found.append(await _quota(client))
    hidden = (
        "LINE does not tell; see that webhook redelivery is on in the LINE Developers console, "
        f"and auto-reply and greeting messages are off in {_CONSOLE}"
    )
    return (*found, Finding(True, "line settings", hidden))


def _address_fault(address: str) -> str | None:
    if not web_address(address, "https"):
        return "LINE takes only an https address that the internet can reach: set server.public_url"
    if len(address) > MOST_ADDRESS:
        return f"the address has {len(address)} characters, LINE takes {MOST_ADDRESS}: shorten server.public_url"
    return None


async def _active(client: LineClient) -> tuple[Finding, ...]:
    endpoint = await client.call("GET", _ENDPOINT)
    return _switch(endpoint.data) if endpoint.well else ()


def _switch(endpoint: Mapping[str, Any]) -> tuple[Finding, ...]:
    if endpoint.get("active") is True:
        return (Finding(True, "line webhook use", "on"),)
    return (Finding(False, "line webhook use", 'off: switch on "Use webhook" in the LINE Developers console'),)


async def _test(client: LineClient, address: str) -> Finding:
    """Let LINE call the webhook; it allows this 60 times an hour."""
    answer = await client.call(
        "POST", "/v2/bot/channel/webhook/test", {"endpoint": address}, seconds=TESTING_SECONDS
    )  # LINE waits for our own answer first
    if not answer.well:
        return Finding(False, "line webhook test", f"cannot be made: {_why(answer)}")
    if answer.data.get("success") is True:
        return Finding(True, "line webhook test", "LINE reaches it")
    reason = f"{answer.data.get('reason') or 'no reason'} ({answer.data.get('detail') or 'no detail'})"
    hint = "is the server running, its certificate valid, and line.channel_secret that of this channel?"
    return Finding(
        False, "line webhook test", f"LINE does not get 200 from it: {' '.join(reason.split())[:200]}; {hint}"
    )


async def _quota(client: LineClient) -> Finding:
    quota = await client.call("GET", "/v2/bot/message/quota")
    used = await client.call("GET", "/v2/bot/message/quota/consumption")
    if not quota.well or not used.well:
        return Finding(False, "line quota", f"cannot be checked: {_why(used if quota.well else quota)}")
    if quota.data.get("type") != "limited":
        return Finding(True, "line quota", "unlimited")
    most, spent = _number(quota.data.get("value")), _number(used.data.get("totalUsage"))
    text = f"{spent} of {most} pushes used this month (answers within a minute are free)"
    if spent < most * _LOW_QUOTA:
        return Finding(True, "line quota", text)
    late = "late answers are lost now" if spent >= most else "once they are used up, late answers are lost"
    return Finding(False, "line quota", f"{text}: {late}; choose a larger plan in LINE Official Account Manager")


def _chat(bot: Mapping[str, Any]) -> Finding:
    if bot.get("chatMode") == "chat":
        return Finding(True, "line chat", 'on: people at your side can answer too, and "read" is shown')
    return Finding(True, "line chat", f'off: "read" is not shown; switch it on in {_CONSOLE} if you want it')


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _why(answer: Answer) -> str:
    if answer.status == 0:
        return f"no answer from LINE ({answer.fault}); check line.api_base and the network"
    return f"LINE {answer.status} {answer.said}".strip()
