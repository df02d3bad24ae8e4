"""A picture of the reader's own in a page without a kernel, and what Python answers to the same one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from rpnviz.explorers.common.base import RpnvizWidget
from rpnviz.explorers.common.page_network import NETWORK_MODULE
from rpnviz.pictures import Picture
from tests.explorers.compute_page import compute_page
from tests.explorers.network_page import WEIGHTS
from tests.explorers.page_code import Opening, as_state

MODULES = ("common/own_picture.js", NETWORK_MODULE, "saved/open.js")
# Opens a file in the stand-in model of a saved page, and goes back: the traits before, with it, and after.
OPEN_AND_LEAVE = """async (state, bytes, name, answer, { backbone, rpnHead }) => {
  const network = () => new Network(async () => ({ backbone: backbone.buffer, rpnHead: rpnHead.buffer }));
  const traits = JSON.parse(state, revive);
  const model = standIn({ ...traits, network });
  const plain = (value) => {
    if (value instanceof DataView) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
    if (Array.isArray(value)) return value.map(plain);
    return Object.fromEntries(Object.entries(value).map(([one, inner]) => [one, plain(inner)]));
  };
  const shown = () => plain(Object.fromEntries(Object.keys(traits).map((trait) => [trait, model.get(trait)])));
  const before = shown();
  const opener = new PictureOpener(model, { network: true, answer: globalThis[answer] }, () => {});
  await opener.open([new File([bytes], name)]);
  const opened = shown();
  leaveOwn(model);
  const after = shown();
  opener.destroy();
  return { before, opened, after };
}"""


def street(folder: Path) -> Path:
    """A bundled picture as anybody's file."""
    path = folder / "a street.png"
    Image.fromarray(Picture.load("street-07").image).save(path)
    return path


def in_page(browser: Opening, explorer: RpnvizWidget, module: str, answer: str, path: Path) -> dict[str, Any]:
    """The traits in a page without a kernel: `before` a picture is opened, when it is `opened`, and `after` it."""
    page = compute_page(browser, *MODULES, module)
    try:
        state = as_state(explorer.saved_state())
        said: dict[str, Any] = page.run(OPEN_AND_LEAVE, state, path.read_bytes(), path.name, answer, WEIGHTS)
        assert "error" not in said, said
        return said
    finally:
        page.page.close()


def in_python(explorer: RpnvizWidget, path: Path) -> None:
    """What the page sends where there is a kernel."""
    picture = Picture.open(path)
    with Image.open(path) as file:
        size = [file.height, file.width]
    own = {"name": path.name, "file_size": size, "number": 1}
    explorer.set_state({"own_picture": own, "own_pixels": picture.image.tobytes()})
    assert not explorer.error
