"""A picture of the reader's own in JupyterLab: Python looks at it, and code cells go on with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import View
from tests.explorers.photos import photograph
from tools.browser.lab import Notebook

LINKED = "import rpnviz\n\nexplorer = rpnviz.explore('street-03').unfold()\nexplorer"
OPENED = (
    f"(explorer.picture_shown.image == type(explorer.picture_shown).open({str(photograph())!r}).image).all().item()"
)


@pytest.fixture
def view(open_and_run: Callable[..., Notebook]) -> View:
    return View(open_and_run("own", LINKED))


def test_a_photograph_is_opened_drawn_on_and_left_again(view: View) -> None:
    row = view.part("own")
    picture = view.root.get_by_label("Picture", exact=True)
    row.locator("input").set_input_files(photograph())
    expect(view.part("own-said")).to_contain_text("china.jpg, 640×427 pixels, fitted into 1000×600")
    expect(view.part("own-said")).to_contain_text("it stays on this device")
    view.python_has(own_picture={"name": "china.jpg", "file_size": [427, 640], "number": 1}, objects=[])
    view.notebook.wait_for(OPENED, True)
    view.notebook.wait_for("explorer.scene['picture']", "china.jpg")
    expect(picture.locator("option:checked")).to_have_text("china.jpg")
    # The next thing to do is open: a box is drawn, and both sides label by it.
    view.root.get_by_role("button", name="new").click()
    view.python_has(objects=[{"name": "object", "box": [420, 220, 580, 380]}])
    expect(view.part("own-said")).not_to_contain_text("Draw a box")
    many = view.notebook.ask("int((explorer.results.found.labels == 1).sum())")
    expect(view.root).to_contain_text(f"{many} positive")
    # Another grid for it, and back.
    view.root.get_by_role("radio", name="37×62").check()
    view.notebook.wait_for("explorer.scene['grid'], explorer.scene['picture']", ("floor", "china.jpg"))
    row.get_by_role("button", name="close it").click()
    view.notebook.wait_for("explorer.scene['picture'], len(explorer.objects)", ("street-03", 4))
    expect(picture.locator("option:checked")).to_have_text("street-03")
    expect(row.get_by_role("button", name="close it")).to_be_hidden()


def test_a_bundled_picture_is_chosen_instead(view: View) -> None:
    view.part("own").locator("input").set_input_files(photograph("flower.jpg"))
    view.notebook.wait_for("explorer.scene['picture']", "flower.jpg")
    view.root.get_by_label("Picture", exact=True).select_option("street-07")
    view.notebook.wait_for("explorer.scene['picture'], explorer.own_picture", ("street-07", {}))
    view.notebook.wait_for("len(explorer.objects)", 6)
