"""Links to the glossary: at the first use, in prose, and nothing else of the text changes."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from rpnviz.site.headings import heading_id
from tools.docs.links import link_first_uses, unlink, uses
from tools.docs.terms import Term, fragment, read_terms


def term(name: str, *forms: str, sentence: str = "What it is.", excepted: tuple[str, ...] = ()) -> Term:
    return Term(name, "Words", sentence, "01.1", (name, *forms), "", "", "", excepted, frozenset(), False)


ANCHOR, MAP, LOSS = term("anchor", "anchors"), term("feature map", "map"), term("loss", excepted=("loss of time",))
IOU = term("IoU", "IoUs", sentence='Says "how much" \\ (of both).')
TERMS = [ANCHOR, MAP, LOSS, IOU]
TO_ANCHOR = '(glossary.ipynb#anchor "What it is.")'


def linked(*texts: str) -> list[str]:
    return [text.replace(' "What it is.")', ")") for text in link_first_uses(texts, TERMS)]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("an anchor, an anchor", "an [anchor](glossary.ipynb#anchor), an anchor"),
        ("Anchors stand", "[Anchors](glossary.ipynb#anchor) stand"),
        ("a feature\nmap", "a [feature\nmap](glossary.ipynb#feature-map)"),
        ("**the map**", "**the [map](glossary.ipynb#feature-map)**"),
        ("“map”: “loss”", "“[map](glossary.ipynb#feature-map)”: “[loss](glossary.ipynb#loss)”"),
        ("| anchor |\n\nthe anchor", "| anchor |\n\nthe [anchor](glossary.ipynb#anchor)"),
        ("a loss of\ntime, a loss", "a loss of\ntime, a [loss](glossary.ipynb#loss)"),
        ("# anchor\n\nanchor\n", "# anchor\n\n[anchor](glossary.ipynb#anchor)\n"),
    ],
)
def test_the_first_use_in_prose_is_linked(text: str, made: str) -> None:
    assert linked(text) == [made]


@pytest.mark.parametrize(
    "text",
    [
        "`anchor`, ``an `anchor` `` and `a\nmap`",
        "```python\nanchor = 1\n```",
        "~~~\nanchor\n~~~\n",
        "so:\n\n    anchor = 1\n\n",
        "$anchor$ and $$\nanchor\n$$",
        "[the anchor](03.ipynb) ![anchor](a.png) [an [old] anchor](x(1).html)",
        '<img alt="an anchor" src="a.png"> <summary>An anchor</summary> <!-- anchor -->',
        "https://example.com/anchor",
        "## The anchor",
        "| anchor | map |\n|---|---|\n| loss | IoU |",
        "anchored, my_anchor, anchor_x, anchor.py, anchor-free, @anchor, iou, IOU, a-map",
    ],
)
def test_what_is_no_prose_is_left_alone(text: str) -> None:
    assert linked(text) == [text]


def test_a_row_of_texts_links_a_term_once_and_of_two_forms_the_longer() -> None:
    texts = linked("a loss", "the loss, the feature map", "the map, the anchor")
    assert texts == [
        "a [loss](glossary.ipynb#loss)",
        "the loss, the [feature map](glossary.ipynb#feature-map)",
        "the map, the [anchor](glossary.ipynb#anchor)",
    ]


def test_links_are_taken_out_whole_and_made_anew() -> None:
    text = 'Each IoU, see [the sheet](glossary.ipynb) and [IoU](04.ipynb#IoU "IoU").'
    (once,) = link_first_uses([text], TERMS)
    assert once != text and unlink(once) == text
    assert link_first_uses([once], TERMS) == [once]
    assert link_first_uses([f"An IoU. {once}"], TERMS) == [
        f"An {once[5 : once.index(', see')]}. Each IoU, see {once.split(', see ')[1]}"
    ]
    moved = term("IoU", sentence="Another sentence.")
    assert unlink(link_first_uses([once], [moved])[0]) == text, "also when a sentence has changed"


def test_readers_see_the_same_words_and_the_sentence_as_it_is() -> None:
    text = "- An *anchor*, `map`\n- and its IoU: **loss**.\n\n1. map"
    (made,) = link_first_uses([text], TERMS)
    tokens = [child for token in MarkdownIt().parse(made) for child in token.children or []]
    titles = [token.attrs["title"] for token in tokens if token.type == "link_open"]
    assert titles == ["What it is.", IOU.sentence, "What it is.", "What it is."]
    before = [child for token in MarkdownIt().parse(text) for child in token.children or []]
    assert "".join(token.content for token in tokens) == "".join(token.content for token in before)


def test_headings_have_the_ids_that_jupyterlab_gives_them() -> None:
    assert heading_id("1 · `feature` map?") == "1-·-feature-map?"
    assert fragment("a (b) 50 %") == "a-%28b%29-50-%25"


def test_no_terms_no_uses() -> None:
    assert list(uses("an anchor", [])) == []


def test_the_terms_are_read() -> None:
    assert len(read_terms()) > 60
