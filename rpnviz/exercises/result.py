"""What `check` answers: a verdict, a sentence, the smallest failing case drawn, hints in steps. As HTML and as text."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape

from rpnviz.exercises.exercise import Case
from rpnviz.exercises.formatting import case_in_words
from rpnviz.figures.palette import MARKS

VERDICTS = {"pass": "Right", "not yet": "Not yet", "error": "Error in your function", "not written": "Not written yet"}
_MARKS = {"pass": "right", "not yet": "wrong", "error": "fails", "not written": "nothing"}  # keys of palette.MARKS
_MONO = "font-family: var(--jp-code-font-family, monospace); font-size: 0.92em; white-space: pre-wrap; margin: 4px 0"


@dataclass(frozen=True)
class Result:
    """What came of a check; a notebook shows it, `str` says it in text.

    Attributes:
        name (str): of the exercise; "" if none has the function's name.
        verdict (str): "pass", "not yet", "error" or "not written".
        message (str): one or two sentences.
        hint (str): what to change, if the mistake was recognised.
        mistake (str): the key of the recognised mistake, or "".
        case (Case): the smallest failing input, what came out and what should; None if there is none.
        speed (float): how many times as long as the reference the function takes; None unless it passed.
        line (int), code (str), inside (str): the learner's own line where an exception arose, and the function that it
            belongs to; 0 and "" without one.
        output (str), lines (int): the beginning of what the function printed, and how many lines there were.
        hints (tuple[str, ...]): general ones, each a step further.
        png (bytes): the case, drawn; empty if there is none.
    """

    name: str
    verdict: str
    message: str
    hint: str = ""
    mistake: str = ""
    case: Case | None = None
    speed: float | None = None
    line: int = 0
    code: str = ""
    inside: str = ""
    output: str = ""
    lines: int = 0
    hints: tuple[str, ...] = ()
    png: bytes = b""

    def __str__(self) -> str:
        """All in text: verdict, sentences, case, recognised mistake."""
        parts = [f"{VERDICTS[self.verdict]}{f' · {self.name}' if self.name else ''}: {self.message}"]
        if self.line:
            parts.append(f"{self._line()}: {self.code}")
        if self.case is not None:
            parts.append(case_in_words(self.case))
        if self.hint:
            parts.append(f"It looks like this: {self.hint}")
        return "\n".join([*parts, *filter(None, [self.printed()])])

    def _line(self) -> str:
        elsewhere = self.inside not in (self.name, "", "<module>")
        return f"Line {self.line}{f' of {self.inside}' if elsewhere else ''}"

    def printed(self) -> str:
        """What the function printed, if it did: how many lines, and the beginning."""
        if not self.output:
            return ""
        return f"It printed {self._lines()}\n{self.output.rstrip()}"

    def _lines(self) -> str:
        return f"{self.lines:,} lines, which begin:" if self.lines > 1 else "one line:"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": str(self)}

    def _html(self) -> str:
        colour = MARKS[_MARKS[self.verdict]]
        name = f" · <code>{escape(self.name)}</code>" if self.name else ""
        rows = [f"<div><strong>{VERDICTS[self.verdict]}</strong>{name}</div>"]
        rows.append(f"<div>{escape(self.message)}</div>")
        if self.line:
            rows.append(f'<pre style="{_MONO}">{escape(self._line())}:  {escape(self.code)}</pre>')
        rows += self._case_html()
        if self.hint:
            rows.append(f"<div><strong>It looks like this:</strong> {escape(self.hint)}</div>")
        if self.output:
            text = f'<pre style="{_MONO}">{escape(self.output.rstrip())}</pre>'
            rows.append(_details(f"It printed {self._lines()}", text))
        rows.append(self._hints_html())
        style = (
            f"border-left: 4px solid {colour}; padding: 4px 12px; line-height: 1.5; max-width: 946px; "
            "color: var(--jp-ui-font-color1, inherit); font-family: var(--jp-content-font-family, sans-serif)"
        )
        return f'<div style="{style}">{"".join(row for row in rows if row)}</div>'

    def _case_html(self) -> list[str]:
        if self.case is None:
            return []
        words = escape(case_in_words(self.case))
        numbers = _details("The same in numbers", f'<pre style="{_MONO}">{words}</pre>')
        if not self.png:
            return [numbers]
        data = base64.b64encode(self.png).decode()
        look = "display: block; max-width: 100%; margin: 6px 0; border-radius: 4px"
        return [f'<img style="{look}" alt="{words}" src="data:image/png;base64,{data}">', numbers]

    def _hints_html(self) -> str:
        inner = ""
        for name, hint in reversed(list(zip(("A first hint", "A second hint"), self.hints, strict=False))):
            inner = _details(name, f"<div>{escape(hint)}</div>{inner}")
        return inner


def _details(summary: str, content: str) -> str:
    inside = f'<div style="margin-left: 1em">{content}</div>'
    return f'<details><summary style="cursor: pointer">{escape(summary)}</summary>{inside}</details>'
