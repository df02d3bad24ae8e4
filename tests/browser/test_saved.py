"""What is left without a kernel, and what text can never do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import SCRATCH, View, put_into
from tools.browser.lab import Lab, Notebook, new_page, open_notebook

HOSTILE = "</script><img src=x onerror=hacked=1><script>hacked=1</script>"
OWN_PICTURE = f"""
import numpy as np
import torch
from rpnviz.pictures import Picture

picture = Picture(
    image=np.full((600, 1000, 3), 90, np.uint8),
    gt_boxes=torch.tensor([[400.0, 200.0, 660.0, 460.0]]),
    class_names=[{HOSTILE!r}],
    name={HOSTILE!r},
)
explorer = rpnviz.explore(picture).unfold()
explorer
"""


def _is_harmless(linked: View) -> None:
    expect(linked.part("jump").locator("option").nth(1)).to_contain_text(HOSTILE)
    linked.part("jump").select_option(index=1)
    expect(linked.part("table").locator(".rpnviz-hot")).to_contain_text(HOSTILE)
    expect(linked.part("pictures").locator("option").first).to_have_text(HOSTILE)
    assert linked.root.locator("img, script").count() == 0
    assert linked.notebook.page.evaluate("() => typeof hacked") == "undefined"


def test_two_views_stay_in_step(open_and_run: Callable[..., Notebook]) -> None:
    notebook = open_and_run("scratch", SCRATCH)
    notebook.run("explorer")
    one, two = View(notebook), View(notebook, number=1)
    one.put(20, 30)
    two.is_at(20, 30)
    for active, other, key, cell in ((one, two, "ArrowRight", (20, 31)), (two, one, "ArrowUp", (19, 31))):
        before = other.looks()
        active.part("map").focus()
        active.press(key)
        other.is_at(*cell)
        assert all(now != then for now, then in zip(other.looks(), before, strict=True))
        assert other.part("table").inner_text() == active.part("table").inner_text()


def test_two_views_of_one_explorer_do_not_pull_at_the_window(open_and_run: Callable[..., Notebook]) -> None:
    notebook = open_and_run("scratch", SCRATCH)  # as the test above left it
    one, two = View(notebook), View(notebook, number=1)
    notebook.execute("explorer.hush(); explorer.tour(); explorer.step = 2")
    notebook.page.wait_for_function(
        "() => Number(document.querySelector('.rpnviz-linked').dataset.cell.split(' ')[0]) > 2"
    )
    two.root.locator(".rpnviz-status").click()  # one hand stops it for both
    stopped = two.root.get_attribute("data-cell")
    notebook.page.evaluate("() => new Promise(done => setTimeout(done, 400))")
    assert one.root.get_attribute("data-cell") == two.root.get_attribute("data-cell") == stopped
    notebook.execute("explorer.step = -1; explorer.unfold()")


def test_a_saved_page_moves_without_kernel_or_network(
    open_and_run: Callable[..., Notebook], open_file: Callable[[Path], Notebook], tmp_path: Path
) -> None:
    notebook = open_and_run("scratch", SCRATCH)
    notebook.execute(f"explorer.row, explorer.col = 20, 30\nexplorer.to_html({str(tmp_path / 'page.html')!r})")
    page = View(open_file(tmp_path / "page.html"))
    page.is_at(20, 30)
    before = page.looks()
    page.part("map").focus()
    page.press("ArrowRight")
    page.is_at(20, 31)
    assert all(now != then for now, then in zip(page.looks(), before, strict=True))
    page.part("col").focus()
    page.press("ArrowLeft")
    page.is_at(20, 30)
    assert page.looks() == before
    page.part("layers").get_by_role("checkbox", name="proposals").check()
    assert page.pixels("picture") != before[1]
    assert "http" not in {
        url.split(":")[0]
        for url in page.notebook.page.evaluate(
            "() => performance.getEntriesByType('resource').map((entry) => entry.name)"
        )
    }


def test_hostile_names_are_text(
    open_and_run: Callable[..., Notebook], open_file: Callable[[Path], Notebook], tmp_path: Path
) -> None:
    notebook = open_and_run("scratch", SCRATCH)
    notebook.run(OWN_PICTURE)
    in_lab = View(notebook, number=notebook.page.locator(".rpnviz-linked").count() - 1)
    _is_harmless(in_lab)
    notebook.execute(f"explorer.to_html({str(tmp_path / 'hostile.html')!r})")
    _is_harmless(View(open_file(tmp_path / "hostile.html")))
    notebook.execute("explorer = rpnviz.explore('street-03').unfold()")


def test_a_notebook_that_was_not_run_shows_its_pictures(browser: Browser, lab: Lab) -> None:
    notebook = open_notebook(new_page(browser), lab, put_into(lab, "00"))
    picture = notebook.page.locator(".jp-OutputArea-output img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.naturalWidth") > 600
    assert "Error displaying widget" not in notebook.page.locator(".jp-Notebook").inner_text()
    assert notebook.collect() == []
    notebook.close()
