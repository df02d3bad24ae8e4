"""The view of a fit without a browser: what it says, what it sends, and which files it opens."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets as t
from PIL import Image

from rpnviz.explorers.fit.explorer import LONGEST, FitExplorer, end_of
from rpnviz.explorers.fit.questions import without_an_anchor
from rpnviz.explorers.fit.thumbnail import LONGEST_SIDE
from rpnviz.figures.palette import PALETTE
from tests.explorers.fit_result import CLASSES, IOUS, make_result, make_sample, row


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The first picture, 500×300 px, and what must not be read: a file beside the folder."""
    (tmp_path / "data" / "streets").mkdir(parents=True)
    Image.new("RGB", (500, 300), "green").save(tmp_path / "data" / "streets" / "picture 000000.png")
    Image.new("RGB", (500, 300), "red").save(tmp_path / "secret.png")
    return tmp_path / "data"


def of_pictures(*names: str) -> Any:
    sample = make_sample(len(names))
    return make_result(len(names), sample=type(sample)(**{**vars(sample), "pictures": names}))


def said(folder: Path, name: str) -> str:
    explorer = FitExplorer(of_pictures(name), folder, pictured=0)
    assert not explorer.thumbnail and not explorer.error
    assert str(folder) not in explorer.no_thumbnail  # a saved page would tell where somebody's files lie
    return explorer.no_thumbnail


@pytest.mark.parametrize(("thresh", "covered"), [(0.3, 4), (0.31, 4), (0.5, 3), (0.69, 3), (0.7, 2), (0.9, 1)])
def test_covered_is_at_least_the_threshold(thresh: float, covered: int) -> None:
    explorer = FitExplorer(make_result(), iou_thresh=thresh)
    assert int(explorer.covered.sum()) == covered == sum(np.float32(iou) >= np.float32(thresh) for iou in IOUS)
    assert explorer.describe() == f"{covered} of 5 objects have a best anchor with an IoU of at least {thresh:.2f}."


def test_a_class_is_one_that_the_sample_has() -> None:
    explorer = FitExplorer(make_result())
    assert explorer.plan["classes"] == ["car", "<b>dog</b>"]  # nobody has seen "none"
    explorer.class_index = 1
    assert explorer.shown.tolist() == [kind == 2 for kind in CLASSES]
    assert explorer.describe().startswith("1 of 2 objects have")


def test_a_sample_says_so() -> None:
    assert "2 of 5 objects, drawn from 900, have" in FitExplorer(make_result(num_objects=900)).describe()
    assert "drawn" not in FitExplorer(make_result()).describe()


def test_of_a_suggestion_only_its_own_shares_are_said() -> None:
    explorer = FitExplorer(make_result(), anchor_set=2)
    promise = "4 shapes by search over coverage cover 95.0% at 0.5 and 80.0% at 0.7 of the half that judges."
    assert explorer.describe() == promise
    assert explorer.to_png()


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        *(("class_index", one) for one in (-2, 2)),
        *(("anchor_set", one) for one in (-1, 3)),
        *(("selected", one) for one in (-2, 5)),
        *(("pictured", one) for one in (-2, 5)),
        *(("iou_thresh", one) for one in (0.29, 0.91, float("nan"))),
        ("by", "colour"),
        ("library", "caffe"),
    ],
)
def test_bad_values_are_refused(trait: str, value: Any) -> None:
    with pytest.raises(t.TraitError, match=trait):
        FitExplorer(make_result(), **{trait: value})


def test_the_page_gets_all_objects_and_no_picture_twice() -> None:
    explorer = FitExplorer(make_result())
    sent = {name: np.frombuffer(values, "<i4" if name == "rows" else "<f4") for name, values in explorer.sample.items()}
    assert sent["ious"].tolist() == np.array(IOUS, np.float32).tolist()
    assert sent["sizes"].reshape(-1, 2)[0].tolist() == [40, 160]
    assert sent["boxes"].reshape(-1, 4)[0].tolist() == [20, 10, 100, 30]
    assert sent["rows"].reshape(-1, 5).tolist() == [
        *([0, 0, 0, 300, 500], [1, 1, 0, 300, 500], [0, 1, 1, 300, 500]),
        *([1, 0, 1, 300, 500], [0, 0, 2, 300, 500]),
    ]
    assert explorer.plan["pictures"] == [f"streets/picture {i:06d}.png" for i in range(3)]


def test_names_are_cut_and_classes_are_not_endless() -> None:
    assert end_of("a" * LONGEST) == "a" * LONGEST and end_of("b" * LONGEST + "c") == "…" + "b" * (LONGEST - 2) + "c"
    explorer = FitExplorer(make_result(by_class=tuple(row(f"{i:0500}", 1) for i in range(1203))))
    assert len(explorer.plan["groups"]["class"]) == 200 and explorer.plan["num_classes"] == 1203
    assert all(len(one["name"]) == LONGEST for one in explorer.plan["groups"]["class"])


def test_four_thousand_objects_open_with_less_than_600_kb() -> None:
    explorer = FitExplorer(make_result(4000, 860_001))
    assert len(explorer.to_html()) < 600_000


def test_nothing_to_show_is_shown() -> None:
    nothing = make_result(0, suggestions=(), findings=(), overall=row("all", 0), by_class=(), shapes=())
    explorer = FitExplorer(nothing)
    assert explorer.describe().startswith("0 of 0 objects")
    assert explorer.to_png() and explorer.to_html()


def test_names_from_data_are_text_in_the_page() -> None:
    page = FitExplorer(make_result()).to_html()
    assert "<b>dog</b>" not in page and "<i>entry 9</i>" not in page and "<b>pasted</b>" not in page


# ---- pictures -------------------------------------------------------------------------------------------------------


def test_an_object_is_shown_with_its_box(folder: Path) -> None:
    explorer = FitExplorer(make_result(), folder, pictured=0)
    image = Image.open(io.BytesIO(explorer.thumbnail)).convert("RGB")
    assert image.format != "PNG" and max(image.size) == LONGEST_SIDE and not explorer.no_thumbnail
    pixels = np.asarray(image).astype(int)
    factor = LONGEST_SIDE / 500
    edge = pixels[round(20 * factor), round(20 * factor)]  # x1 = 20, between y1 = 10 and y2 = 30
    line = [int(PALETTE["window"][i : i + 2], 16) for i in (1, 3, 5)]
    assert np.abs(edge - line).max() < 60, edge
    assert np.abs(pixels[150, 250] - [0, 128, 0]).max() < 20


def test_nothing_is_read_unless_asked_for(folder: Path) -> None:
    explorer = FitExplorer(make_result(), folder, selected=0)
    assert not explorer.thumbnail and explorer.answered == {"pictured": -1}
    explorer.pictured = 0
    assert explorer.thumbnail and explorer.answered == {"pictured": 0}
    explorer.pictured = -1
    assert not explorer.thumbnail and not explorer.no_thumbnail


def test_without_a_folder_there_is_no_picture(folder: Path) -> None:
    explorer = FitExplorer(make_result(), pictured=0)
    assert not explorer.has_pictures and not explorer.thumbnail
    with pytest.raises(ValueError, match=r"pictures: got '.*streets/none', takes a folder that is there"):
        FitExplorer(make_result(), folder / "streets" / "none")


def test_what_is_missing_or_no_picture_is_a_sentence(folder: Path) -> None:
    (folder / "words.png").write_text("<b>no picture</b>")
    assert said(folder, "streets/none.png") == "'streets/none.png': no such file in the folder of pictures"
    assert said(folder, "words.png").startswith("'words.png': not a picture")
    assert said(folder, "streets") == "'streets': no such file in the folder of pictures"
    Image.new("RGB", (300, 500)).save(folder / "turned.png")
    assert "has 300×500 px, the annotations say 500×300" in said(folder, "turned.png")


@pytest.mark.parametrize("name", ["../secret.png", "streets/../../secret.png", "{}/secret.png", "link.png", "a\0b"])
def test_only_the_folder_is_read(folder: Path, name: str) -> None:
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    told = FitExplorer(of_pictures(name.format(folder.parent)), folder, pictured=0)
    assert not told.thumbnail
    assert "leads out of the folder" in told.no_thumbnail


def test_a_link_that_stays_inside_is_followed(folder: Path) -> None:
    (folder / "inside.png").symlink_to(folder / "streets" / "picture 000000.png")
    assert FitExplorer(of_pictures("inside.png"), folder, pictured=0).thumbnail


def test_a_saved_page_asks_for_no_picture(folder: Path) -> None:
    explorer = FitExplorer(make_result(), folder)
    assert "pictured" not in explorer.moves()
    assert str(folder) not in explorer.to_html()


# ---- the question ---------------------------------------------------------------------------------------------------


def test_25_without_an_anchor() -> None:
    explorer = FitExplorer(make_result())
    explorer.ask(without_an_anchor)
    (asked,) = explorer.questions
    assert asked["text"].startswith("3 of 5 objects have no anchor with an IoU of 0.7.")
    nobody, middling, best = asked["choices"]
    assert "0.69" in nobody["why"] and IOUS[nobody["moves"]["selected"]] == 0.69
    assert middling["why"].startswith("40.0% of those shown") and middling["moves"]["iou_thresh"] == 0.3
    assert best["right"] and "0.31" in best["why"] and IOUS[best["moves"]["selected"]] == 0.31


def test_22_asks_nothing_where_every_object_is_covered() -> None:
    sample = make_sample()
    fits = make_result(sample=type(sample)(**{**vars(sample), "ious": np.full(5, 0.9)}))
    with pytest.raises(ValueError, match="without_an_anchor: this view has nothing that shows its answer"):
        FitExplorer(fits).ask(without_an_anchor)
