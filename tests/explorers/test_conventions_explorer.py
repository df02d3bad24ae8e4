"""The conventions explorer: the page shows what `follow_all` and `differences` say; refusals, links, stills."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
import traitlets as t
from playwright.sync_api import Browser

from rpnviz.explorers.conventions.explorer import NAMES, ConventionsExplorer
from rpnviz.grid import Grid
from rpnviz.inspect.convention_differences import differences
from rpnviz.inspect.convention_presets import CONVENTIONS, PROJECTS
from tests.explorers.page_code import as_state, ask_page
from tests.explorers.small_scene import HOSTILE, make_picture, payload

MODULES = ["conventions/view.js"]
ASK = """
const { revive, standIn } = rpnviz.take("saved/open.js");
export async function ask(state) {
  const model = standIn(JSON.parse(state, revive));
  const told = {};
  for (const { name } of model.get("plan").conventions) {
    model.set("convention", name);
    let loaded;
    const waiting = new Promise((resolve) => { loaded = resolve; });
    const store = readStore({ model, redraw: loaded });
    while (!store.ready()) await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 5))]);
    const c = store.chosen();
    const [codes, geometry] = [store.codes(c), store.geometry()];
    told[name] = {
      codes: [...codes], count: store.images().count,
      boxes: [0, 4321, geometry.count - 1].map((i) => geometry.box(i)),
      words: [0, 4321].map((i) => wordsOf(store, c, i)),
    };
  }
  return told;
}
"""


def made(**traits: Any) -> ConventionsExplorer:
    picture = make_picture()
    grid = Grid.floor(picture.image_size)
    count = 9 * grid.feature_size[0] * grid.feature_size[1]
    generator = torch.Generator().manual_seed(0)
    said = torch.randn(count, generator=generator), torch.randn(count, 4, generator=generator) * 0.2
    return ConventionsExplorer(picture, grid, *said, **traits)


@pytest.fixture(scope="module")
def untouched() -> ConventionsExplorer:
    return made()


@pytest.fixture
def explorer(untouched: ConventionsExplorer) -> Any:
    before = {name: getattr(untouched, name) for name in ("convention", "row", "col", "anchor")}
    yield untouched
    for name, value in before.items():
        setattr(untouched, name, value)


@pytest.fixture(scope="module")
def said(untouched: ConventionsExplorer, browser: Browser) -> dict[str, Any]:
    answer: dict[str, Any] = ask_page(browser, MODULES, ASK, as_state(untouched.saved_state()))
    return answer


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_what_each_convention_comes_to(
    untouched: ConventionsExplorer, said: dict[str, Any], name: str
) -> None:
    followed, page = untouched.followed[name], said[name]
    codes = torch.tensor(page["codes"])
    labels = torch.tensor([0, 1, -1, -1])[codes & 3]
    assert torch.equal(labels, followed.labels.long())
    assert torch.equal((codes & 8).nonzero().flatten(), torch.cat(followed.sampled).sort().values)
    places = torch.tensor([0, 4321, -1])
    torch.testing.assert_close(torch.tensor(page["boxes"]).float(), followed.anchors[places], atol=1e-2, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_counts_other_labels_as_python_does(
    explorer: ConventionsExplorer, said: dict[str, Any], name: str
) -> None:
    explorer.convention = name
    assert said[name]["count"] == (explorer.relabelled or 0)
    assert (explorer.relabelled is None) == (name == "CTPN")
    if name == "paper":
        assert explorer.relabelled == 0 and "by the paper" not in said[name]["words"][0]


def test_words_name_the_shape_and_both_labels(said: dict[str, Any]) -> None:
    first = said["Mask_RCNN"]["words"][0]
    assert first.startswith("Row 0, column 0, 91×181: ")
    assert re.search(r"; by the paper's rules (the same|positive|negative|ignored|crosses the border)\.$", first)
    assert "by the paper" not in said["CTPN"]["words"][0]


def test_like_shapes_are_alike(untouched: ConventionsExplorer) -> None:
    """Compared with the paper is the anchor of the same shape, whatever its place among the nine."""
    paper = untouched.plan["conventions"][0]
    for told in untouched.plan["conventions"]:
        for a, same in enumerate(told["like"]):
            own, theirs = (one["cells"][i] for one, i in ((told, a), (paper, same)))
            for k in (0, 1):
                assert own[k + 2] - own[k] == pytest.approx(theirs[k + 2] - theirs[k], rel=0.07)
        assert sorted(told["like"]) == (list(range(9)) if told["name"] != "CTPN" else [])


def test_rows_are_the_differences(explorer: ConventionsExplorer) -> None:
    for name in NAMES:
        explorer.convention = name
        rows = [row for row in explorer.settings if row["changed"] is not None]
        wanted = differences(CONVENTIONS[name], explorer.case)
        assert [(row["setting"], row["here"], row["changed"]) for row in rows] == [
            (one.setting, one.here, one.changed) for one in wanted
        ]
        assert all(row["source"] for row in rows)
        assert len(explorer.settings) == len(explorer.plan["conventions"][0]["rows"])


def test_it_opens_in_the_middle_and_says_what_it_shows(explorer: ConventionsExplorer) -> None:
    rows, cols = explorer.grid.feature_size
    assert (explorer.row, explorer.col, explorer.convention) == (rows // 2, cols // 2, "torchvision")
    counts = explorer.counts
    assert sum(counts.values()) == len(explorer.shown.anchors)
    assert f"{counts['negative']:,} negative" in explorer.describe()
    others = len(differences(CONVENTIONS["torchvision"], explorer.case))
    assert explorer.describe().startswith("torchvision: ") and f"{others} settings" in explorer.describe()


@pytest.mark.parametrize(
    ("trait", "value"), [("convention", "caffe"), ("row", -1), ("row", 99_999), ("col", -1), ("anchor", 10)]
)
def test_what_there_is_not_is_refused(explorer: ConventionsExplorer, trait: str, value: Any) -> None:
    with pytest.raises(t.TraitError, match=trait):
        setattr(explorer, trait, value)


def test_numbers_of_another_grid_are_refused() -> None:
    picture = make_picture()
    with pytest.raises(ValueError, match=r"^objectness must be"):
        ConventionsExplorer(picture, Grid.floor(picture.image_size), torch.zeros(9), torch.zeros(9, 4))
    with pytest.raises(ValueError, match=r"^picture: got .* and the grid lies on"):
        ConventionsExplorer(picture, Grid.floor((64, 64)), torch.zeros(144), torch.zeros(144, 4))


def test_what_goes_to_the_page_is_small(untouched: ConventionsExplorer) -> None:
    """All labels of eight conventions, 168,000 bytes of them, are deflated to a few."""
    assert len(untouched.labels) < 15_000
    assert payload(untouched) < 160_000  # its code included


def test_names_of_objects_stay_text(untouched: ConventionsExplorer) -> None:
    case, picture = untouched.case, make_picture(names=("car", HOSTILE, "dog"))
    page = ConventionsExplorer(picture, untouched.grid, case.objectness, case.pred_bbox_deltas).to_html()
    assert HOSTILE not in page


@pytest.mark.parametrize("name", ["paper", "detectron2", "CTPN"])
def test_the_still_shows_the_convention(explorer: ConventionsExplorer, name: str) -> None:
    explorer.convention = name
    image = explorer.figure().axes[0].images[0].get_array()
    rows, cols = explorer.grid.feature_size
    wanted = (2 * rows, 5 * cols) if name == "CTPN" else (3 * rows, 3 * cols)
    assert image is not None and image.shape[:2] == wanted
    assert PROJECTS[name].title in explorer.describe()
