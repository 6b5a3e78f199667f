"""The command line as other programs and people use it: real processes, the JSON to the letter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

PROGRAM = [sys.executable, "-m", "handlers"]
ROLES = {"kol", "kos_sales", "kos_seed", "kos_spreader", "kop"}


_VARIED = [
    "新品上市,面膜,預算30萬", "改產品 改預算", "不要網紅跟醫生", "KOS跟KOP差在哪", "為什麼?",
    "ngân sách 15 củ, bán giày", "muốn ra đơn", "sao không dùng KOP", "luật ở Thái thế nào",
    "what are the steps", "double it", "start over", "serum, trust, 5k usd", "促銷 手機殼 5萬", "保健",
    "quảng cáo thực phẩm chức năng có bị phạt không", "trends?", "2", "hello", "不是20萬,是40萬",
    "no celebs please", "影響力矩陣", "來源是什麼", "gấp đôi", "dừng lại", "bị thu hồi", "我想想", "ok",
]  # fmt: skip


def run(
    *args: str, stdin: str | bytes | None = None, home: Path | None = None, seed: str = "random"
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "KOL_ADVISOR_CONFIG": "", "PYTHONHASHSEED": seed}
    if home is not None:
        environment |= {"HOME": str(home), "XDG_STATE_HOME": str(home / "state")}
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run([*PROGRAM, *args], input=data, capture_output=True, env=environment, check=False, timeout=60)
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    )


def talk(*lines: dict[str, Any] | str, args: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n"
    done = run("chat", "--json", "--on", "2026-11-22", *args, stdin=text)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_ask_json_is_the_contract() -> None:
    done = run("ask", "保養品新品,預算30萬,想衝業績,該找誰?", "--json", "--on", "2026-11-22")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {"person", "language", "intent", "asks", "brief", "advice", "replies"} <= set(told)
    assert told["person"] == "local:1"
    assert told["language"] == "zh-Hant"
    assert told["intent"] == "brief"
    assert told["asks"] is None
    assert told["brief"] | {"goal": "conversion", "category": "skincare", "market": "TW"} == told["brief"]
    assert told["brief"]["excluded"] == told["brief"]["declined"] == []
    assert told["brief"]["budget"] == {
        "amount": "300000", "low": "300000", "high": "300000", "currency": "TWD", "period": "once",
    }  # fmt: skip
    advice = told["advice"]
    assert advice["lead"] == "kos_seed"
    assert {entry["role"] for entry in advice["roles"]} == ROLES
    assert len(advice["roles"]) == 5
    for entry in advice["roles"]:
        assert entry["part"] in {"lead", "support", "blocked", "none"}
        assert entry["verdict"] in {"allowed", "restricted", "gated", "prohibited"}
        assert entry["share"] is None
        assert entry["headcount"] is None
        for reason in entry["reasons"]:
            assert reason["origin"] in {"article", "external", "house"}
            assert reason["text"]
            assert reason["sources"]
            if reason["origin"] == "article":
                assert any(set(source) == {"article", "line"} for source in reason["sources"])
        for law in entry["law"]:
            assert {"id", "verdict", "text", "source"} <= set(law)
            assert "2026-11-22" in law["text"]
    assert [line["stage"] for line in advice["matrix"]] == ["awareness", "consideration", "decision", "loyalty"]
    assert all(line["kpis"] and line["roles"] for line in advice["matrix"])
    assert all({"id", "text", "source"} <= set(warning) for warning in advice["warnings"])
    assert all({"text", "choices"} == set(reply) for reply in told["replies"])
    assert all({"label", "press"} == set(choice) for reply in told["replies"] for choice in reply["choices"])


def test_same_question_same_answer() -> None:
    args = ("ask", "thực phẩm chức năng 15tr, cần uy tín", "--json", "--on", "2026-11-22")
    assert run(*args).stdout == run(*args).stdout


def test_answers_do_not_depend_on_the_order_of_sets() -> None:
    """The same conversation under other hash seeds, byte for byte."""
    lines = "\n".join(json.dumps({"text": text, "person": str(number % 7)}) for number, text in enumerate(_VARIED))
    told = {run("chat", "--json", "--on", "2026-11-22", stdin=lines, seed=seed).stdout for seed in ("1", "2", "77")}
    assert len(told) == 1


def test_ask_options() -> None:
    told = json.loads(
        run("ask", "skincare, build trust, 5000 usd", "--json", "--market", "VN", "--on", "2026-02-14").stdout
    )
    assert told["brief"]["market"] == "VN"
    assert told["advice"]["lead"] == "kop"
    later = json.loads(
        run("ask", "skincare, build trust, 5000 usd", "--json", "--market", "VN", "--on", "2026-02-15").stdout
    )
    assert later["advice"]["lead"] != "kop"
    vietnamese = json.loads(run("ask", "skincare, build trust, 5000 usd", "--json", "--language", "vi").stdout)
    assert vietnamese["language"] == "vi"


def test_ask_incomplete_asks_back() -> None:
    told = json.loads(run("ask", "保養品", "--json").stdout)
    assert told["advice"] is None
    assert told["asks"] == "goal"
    assert told["replies"][-1]["choices"]


def test_chat_keeps_persons_apart() -> None:
    told = talk(
        {"text": "賣面膜", "person": "a"}, {"text": "bán tai nghe", "person": "b"}, {"text": "衝業績", "person": "a"}
    )
    assert [line["person"] for line in told] == ["local:a", "local:b", "local:a"]
    assert told[2]["brief"]["category"] == "skincare"
    assert told[1]["brief"]["category"] == "electronics"


def test_chat_takes_presses_and_hints() -> None:
    told = talk(
        {"text": "", "language": "zh-TW"},
        {"press": "v1|goal|trust"},
        {"press": "v1|category|finance"},
        {"press": "v1|budget|decline"},
    )
    assert told[0]["language"] == "zh-Hant"
    assert told[3]["advice"]["lead"] == "kop"
    assert told[3]["brief"]["declined"] == ["budget"]


@pytest.mark.parametrize(
    "line", ["{", "[1]", "null", '"text"', "{}", '{"text": 5}', '{"text": "x", "press": []}', "[" * 5_000, "\x00"]
)
def test_a_bad_line_gets_one_error_and_the_talk_goes_on(line: str) -> None:
    told = talk(line, {"text": "你好"})
    assert len(told) == 2
    assert set(told[0]) == {"error"}
    assert told[1]["intent"] == "greeting"


def test_half_characters_do_not_stop_the_talk() -> None:
    told = talk('{"text": "\\ud800 hello", "person": "\\udfff"}', {"text": "你好"})
    assert [line.get("intent") for line in told] == ["greeting", "greeting"]


def test_bytes_that_are_no_text_do_not_stop_the_talk() -> None:
    done = run("chat", "--json", stdin=b'{"text": "\xff\xfe"}\n{"text": "hello"}\n')
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_runs_start_empty_unless_memory_is_named(tmp_path: Path) -> None:
    memory = ("--memory", f"sqlite:///{tmp_path / 'kept.db'}")
    assert talk({"text": "賣面膜"}, args=memory)[0]["brief"]["category"] == "skincare"
    assert talk({"text": "衝業績"}, args=memory)[0]["brief"]["category"] == "skincare"
    assert talk({"text": "衝業績"})[0]["brief"]["category"] is None


def test_chat_for_people_without_a_terminal_is_plain(tmp_path: Path) -> None:
    done = run("chat", "--on", "2026-11-22", stdin="保養品,30萬,衝業績\n1\n", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "+--" in done.stdout
    assert not set(done.stdout) & set("▶●○⛔⚠→•╭│╰─")
    assert "\x1b" not in done.stdout
    again = run("chat", stdin="衝業績\n", home=tmp_path)
    assert "保養品" in again.stdout  # the conversation was kept


def test_no_command_is_serve_is_chat(tmp_path: Path) -> None:
    done = run(stdin="hello\n", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "KOL" in done.stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("ask", "x", "--on", "yesterday"), "2026-02-15"),
        (("ask", "x", "--language", "klingon"), "zh-Hant"),
        (("ask", "x", "--market", "MARS"), "VN"),
        (("ask", "x", "--config", "nowhere.toml"), "cannot be read"),
        (("chat", "--memory", "nonsense"), "memory.url"),
        (("chat", "--memory", "sqlite:////nowhere/at/all.db"), "folder"),
        (("check", "--root", "nowhere"), "no folder"),
        (("chart",), "chart"),
        (("ask",), "Missing argument"),
    ],
)
def test_bad_calls_end_with_two_and_a_sentence(args: tuple[str, ...], says: str) -> None:
    done = run(*args)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_broken_knowledge_stops_the_start_with_all_faults(tmp_path: Path) -> None:
    (tmp_path / "points.yaml").write_text("kos: many\nsuport: 1\n", encoding="utf-8")
    config = tmp_path / "config.toml"
    config.write_text(f'[knowledge]\nroot = "{tmp_path}"\n', encoding="utf-8")
    done = run("ask", "x", "--config", str(config))
    assert done.returncode == 2
    assert "points.yaml: suport: unknown key (did you mean 'support'?)" in done.stderr
    assert "points.yaml: kos:" in done.stderr
    assert "goals.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_and_coverage() -> None:
    done = run("check")
    assert done.returncode == 0, done.stderr
    assert "sound" in done.stdout
    covered = run("check", "--coverage")
    assert covered.returncode == 0
    assert "116 statements" in covered.stdout
    assert " 0 gaps" in covered.stdout
    assert "GAP" not in covered.stdout
    assert "finished" in run("check", "--languages").stdout


def test_doctor(tmp_path: Path) -> None:
    done = run("doctor", home=tmp_path)
    assert "memory: opens" in done.stdout
    assert "knowledge:" in done.stdout


def test_a_secret_in_the_configuration_never_shows(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[memory]\nurl = "postgresql://me:hunter2@nowhere.invalid/x"\n', encoding="utf-8")
    done = run("chat", "--config", str(config), stdin="hello\n")
    assert done.returncode == 2
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("key", [b"\x03", b"\x04"], ids=["ctrl-c", "end of input"])
def test_leaving_a_terminal_is_quiet(tmp_path: Path, key: bytes) -> None:
    import pty

    environment = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "TERM": "xterm"}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "chat", "--language", "en"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
        start_new_session=True, preexec_fn=lambda: _take_terminal(theirs),
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while not shown.endswith(b"> "):
        shown += os.read(ours, 4096)
    for _ in range(30):
        # Between the prompt and the reading of the key C loses a signal; whoever sees nothing happen presses again.
        os.write(ours, key)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=2)
            break
    assert process.returncode == 0
    while True:
        try:
            rest = os.read(ours, 4096)
        except OSError:
            break
        if not rest:
            break
        shown += rest
    os.close(ours)
    assert b"Traceback" not in shown


def _take_terminal(terminal: int) -> None:
    """Make the pseudo-terminal the process's own, so that its Ctrl-C is a signal."""
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
