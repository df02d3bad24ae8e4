"""The fuzzer: what is planted is found, made small, kept, and can be tried again; what is sound is left alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rpnviz.exercises.sandbox import protocol
from rpnviz.fit import yolo
from tools.fuzz import __main__ as fuzz
from tools.fuzz.hunt import Found, hunt
from tools.fuzz.node import PageModule
from tools.fuzz.targets import LINK, RULES, Target, targets


@pytest.fixture(scope="module")
def known() -> dict[str, Target]:
    with targets() as found:
        return {name: target for name, target in found.items() if name != "link"}  # Node ends here


def test_a_planted_fault_is_found_made_small_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(protocol.MAKERS, "tuple", lambda values: [1 / 0 if None in values else values])
    assert fuzz.main(["--only", "frame", "--seed", "1", "--seconds", "600"]) == 1  # it ends when something is found
    said = capsys.readouterr().out
    assert said.startswith("seed 1\nframe: ZeroDivisionError: division by zero\n")
    (case,) = (tmp_path / "runs" / "fuzz").glob("frame-*/frame.bin")
    assert f"--only frame --case {case.relative_to(tmp_path)}\n" in said
    assert b"null" in case.read_bytes()
    with pytest.raises(ZeroDivisionError):
        fuzz.main(["--only", "frame", "--case", str(case)])
    monkeypatch.undo()
    assert fuzz.main(["--only", "frame", "--case", str(case)]) == 0


def test_a_refusal_of_several_lines_is_found(monkeypatch: pytest.MonkeyPatch, known: dict[str, Target]) -> None:
    monkeypatch.setattr(yolo, "one_line", str)
    found = hunt(known["yolo-names"], 1)
    assert isinstance(found, Found) and re.match("what it says is no line of text: '.*\\\\n", str(found.error))


def test_the_same_seed_draws_the_same(known: dict[str, Target]) -> None:
    drawn: list[list[bytes]] = []
    for _ in range(2):
        drawn.append([])
        target = known["voc"]
        keeping = Target("voc", "a.xml", target.content, lambda path: drawn[-1].append(path.read_bytes()))
        assert hunt(keeping, 5, most=30) == len(drawn[-1])
    assert drawn[0] == drawn[1] and len(set(drawn[0])) > 10


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--only", "cocoa"], "--only: got cocoa, takes one of picture, "), (["--case", "x"], "--case needs --only")],
)
def test_a_wrong_call_is_a_sentence(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fuzz.main(arguments)
    assert says in capsys.readouterr().err


def test_the_page_is_asked_in_node() -> None:
    with PageModule("saved/link.js") as link:
        assert link.ask("readLink", LINK, RULES, {})["problem"] == ""
        with pytest.raises(RuntimeError, match="TypeError"):
            link.ask("readLink", None, RULES, {})
