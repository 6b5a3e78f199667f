"""Packaging: the image, the compose file and the unit name only what exists, hold no secret, and ask for no right."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from handlers.serving import GRACE_SECONDS, WEBHOOK_SECONDS
from tests import deployed
from tests.deployed import ROOT, compose, dockerfile, environment, unit, variables
from tests.telegram_double import Telegram
from tests.test_cli import run
from tests.test_serving import serving

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_image_stands_on_a_slim_python_fixed_by_its_tag() -> None:
    given = dockerfile()
    bases = [rest.split()[0] for name, rest in given if name == "FROM"]
    assert bases == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"]
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.1[1-9][\d.]*-slim-[a-z]+", dict(given)["ARG"])


def test_image_runs_as_nobody_in_particular() -> None:
    given = dockerfile()
    last = [name for name, _ in given][::-1].index("FROM")
    users = [rest for name, rest in given[-last:] if name == "USER"]
    assert users == ["10001:10001"]
    assert dict(given)["STOPSIGNAL"] == "SIGTERM"
    assert json.loads(dict(given)["ENTRYPOINT"]) == list(PROJECT["scripts"])
    assert environment(given)["PYTHONDONTWRITEBYTECODE"] == "1"


def test_image_installs_only_what_the_locks_name() -> None:
    installs = [
        part for name, rest in dockerfile() if name == "RUN" for part in rest.split(" && ") if "install -" in part
    ]
    installs = [part for part in installs if "pip" in part]
    assert len(installs) == 3
    for part in installs:
        assert "--require-hashes --only-binary :all: --requirement" in part or "--no-deps --no-index" in part, part


def test_image_gets_only_files_that_are_there() -> None:
    sources = [
        source
        for name, rest in dockerfile()
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert next(line for line in ignored if line and not line.startswith("#")) == "*"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert let_in == set(sources)
    assert all((ROOT / source).exists() for source in sources)
    assert {"bot", "handlers", "knowledge"} < let_in


def test_image_sets_settings_that_exist_and_no_secret() -> None:
    given = dockerfile()
    ours = {name for name in environment(given) if name.startswith("KOL_ADVISOR_")}
    assert ours
    assert ours <= variables() - deployed.secrets()
    named = {rest.split("=")[0] for name, rest in given if name == "ARG"} | set(environment(given))
    assert not [name for name in named if re.search("TOKEN|SECRET|PASSWORD|KEY", name)]


def test_image_writes_where_its_own_account_may(tmp_path: Path) -> None:
    """The state folder of the image's environment is below the one folder that belongs to its account."""
    made = next(rest for name, rest in dockerfile() if name == "RUN" and "--owner 10001" in rest)
    assert "--mode 0700 /data" in made
    assert environment(dockerfile())["XDG_STATE_HOME"] == "/data"
    # The same with a folder of the test in its place.
    done = run("chat", stdin="hello\n", home=tmp_path)
    assert done.returncode == 0
    assert [path.name for path in tmp_path.rglob("*.db")] == ["kol-advisor.db"]
    assert list((tmp_path / "state").iterdir()) == [tmp_path / "state" / "kol-advisor"]


async def _health(port: int) -> int | None:
    probe = next(rest for name, rest in dockerfile() if name == "HEALTHCHECK")
    command = json.loads(probe[probe.index("CMD ") + 4 :])
    assert command[0] == "python"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command[1:]),
        env={**os.environ, "KOL_ADVISOR_SERVER__ADMIN_PORT": str(port)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()


def test_image_asks_the_program_how_it_is(tmp_path: Path) -> None:
    """The very probe of the Dockerfile: well while the server runs, and only then."""

    async def story() -> None:
        async with Telegram().serving() as telegram:
            async with serving(tmp_path, None, telegram) as now:
                port = int(now.admin.rpartition(":")[2])
                assert await _health(port) == 0
            assert await _health(port) == 1

        async def healthz(_: web.Request) -> web.Response:
            return web.Response(status=503)

        ill = web.Application()
        ill.router.add_get("/healthz", healthz)
        runner = web.AppRunner(ill)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        assert await _health(runner.addresses[0][1]) == 1
        await runner.cleanup()

    asyncio.run(story())


@pytest.mark.parametrize("all_of_it", [False, True])
def test_compose_grants_nothing(all_of_it: bool) -> None:
    given = compose(all_of_it=all_of_it)
    for name, service in given["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"]
        assert "cap_add" not in service
        assert "privileged" not in service
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert re.search(r":\d", service["image"]), "a fixed tag"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert not [key for key in service["environment"] if re.search("TOKEN|PASSWORD$|SECRET$", key)]
        assert set(service["secrets"]) <= set(given["secrets"])
    assert re.fullmatch(r"postgres:\d+-[a-z]+", given["services"]["postgres"]["image"])
    assert given["networks"]["inside"] == {"internal": True}
    assert given["services"]["postgres"]["networks"] == ["inside"]


def test_compose_names_settings_that_exist() -> None:
    given = compose(all_of_it=True)
    adviser = given["services"]["adviser"]
    assert set(adviser["environment"]) <= variables() - deployed.secrets() | deployed.PLACES
    assert set(adviser["secrets"]) <= deployed.secrets()
    assert set(given["secrets"]) == {*adviser["secrets"], *given["services"]["postgres"]["secrets"]}
    # Whoever switches nothing on has Telegram by polling, over PostgreSQL.
    assert set(compose()["services"]["adviser"]["secrets"]) == {
        "KOL_ADVISOR_MEMORY__URL",
        "KOL_ADVISOR_TELEGRAM__TOKEN",
    }


def test_compose_runs_this_image() -> None:
    adviser = compose()["services"]["adviser"]
    assert adviser["image"] == f"{PROJECT['name']}:{PROJECT['version']}"
    assert adviser["build"] == "."
    exposed = next(rest for name, rest in dockerfile() if name == "EXPOSE").split()
    assert [port.rpartition(":")[2] for port in adviser["ports"]] == exposed
    assert int(adviser["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS + WEBHOOK_SECONDS
    mounted = compose(all_of_it=True)["services"]["adviser"]["volumes"]
    assert mounted == [f"./config.toml:{dict(dockerfile()[-8:])['WORKDIR']}/config.toml:ro"]


def test_files_of_secrets_stay_out_of_the_history() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for secret in compose(all_of_it=True)["secrets"].values():
        assert f"{Path(secret['file']).parts[0]}/" in ignored
    assert "config.toml" in ignored


def test_unit_takes_every_secret_from_a_file_and_none_from_itself() -> None:
    given = unit()
    credentials = [value for _, key, value in given if key == "LoadCredential"]
    assert sorted(credentials) == sorted(deployed.secrets())
    words = [word for _, key, value in given if key == "Environment" for word in value.split()]
    ours = {word.split("=")[0] for word in words if word.startswith("KOL_ADVISOR_")}
    assert ours <= variables() - deployed.secrets() | deployed.PLACES


def test_unit_runs_the_program_with_no_rights() -> None:
    given = unit()
    once = Counter(key for _, key, _ in given)
    assert {key for key, count in once.items() if count > 1} == {"LoadCredential", "SystemCallFilter"}
    told = {key: value for section, key, value in given if section == "Service"}
    assert Path(told["ExecStart"].split()[0]).name in PROJECT["scripts"]
    assert told["ExecStart"].split()[1:] == ["serve"]
    assert told["Restart"] == "always"
    assert told["KillSignal"] == "SIGTERM"
    assert int(told["TimeoutStopSec"]) > GRACE_SECONDS + WEBHOOK_SECONDS
    assert told["CapabilityBoundingSet"] == ""
    assert "User" not in told
    assert {"AF_INET", "AF_INET6", "AF_UNIX"} == set(told["RestrictAddressFamilies"].split())
    for key in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "ProtectHome", "MemoryDenyWriteExecute"):
        assert told[key] == "yes", key
    assert told["ProtectSystem"] == "strict"
    # No other folder becomes the account's: systemd would let it write its own configuration.
    assert {key: value for key, value in told.items() if "Directory" in key or key == "ReadWritePaths"} == {
        "StateDirectory": PROJECT["name"],
        "StateDirectoryMode": "0700",
        "WorkingDirectory": f"-/etc/{PROJECT['name']}",
    }


def test_handing_over_no_secret_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a service or container whose secrets are missing: not a chat with nobody that ends well."""
    monkeypatch.setenv("KOL_ADVISOR_SECRETS_DIR", str(tmp_path))
    done = run("serve", stdin="", home=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("kol-advisor: no platform is configured")


def test_proxy_passes_on_exactly_the_webhooks() -> None:
    proxy = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    paths = re.search(r"^\s+path (.+)$", proxy, re.MULTILINE)
    assert paths
    served = re.findall(r'web\.post\("([^"]+)"', (ROOT / "handlers" / "webhooks.py").read_text(encoding="utf-8"))
    assert sorted(paths[1].split()) == sorted(served)


def test_reading_would_notice() -> None:
    """The readers themselves: a continued line, a switched-on line."""
    assert deployed.instructions("# x\nRUN a \\\n  && b\nUSER 0\n") == [("RUN", "a && b"), ("USER", "0")]
    assert len(compose(all_of_it=True)["secrets"]) > len(compose()["secrets"])
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load("a: [")
