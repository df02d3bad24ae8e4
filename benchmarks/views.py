"""The views that are timed: how to open each, what on the page shows the column, how to move it.

A new explorer is one more `View` here.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST = 5  # the column where every measurement starts

# Canvases are compared by their pixels (48 rows at full width tell any two columns apart), the table by its text.
LOOK_AT_EXPLORER = """() => {
  const parts = [document.querySelector(".rpnviz-table").textContent];
  const copy = (window.meterCopy ??= new OffscreenCanvas(1, 1));
  for (const canvas of document.querySelectorAll(".rpnviz-map, .rpnviz-picture")) {
    copy.width = canvas.width;
    copy.height = 48;
    const g = copy.getContext("2d", { willReadFrequently: true });
    g.imageSmoothingEnabled = false;
    g.drawImage(canvas, 0, 0, copy.width, copy.height);
    let hash = 0;
    for (const pixel of new Uint32Array(g.getImageData(0, 0, copy.width, copy.height).data.buffer)) {
      hash = (Math.imul(hash, 31) + pixel) | 0;
    }
    parts.push(hash);
  }
  return parts.join("|");
}"""
# The last bytes of a PNG are checksums of all its pixels.
LOOK_AT_IMAGE = """() => {
  const img = document.querySelector(".jp-OutputArea-output img");
  return img?.complete && img.naturalWidth ? img.src.length + img.src.slice(-64) : "";
}"""

BASELINE = """
import ipywidgets as widgets
import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from rpnviz.anchors import cell_anchors, grid_anchors
from rpnviz.backbone import Backbone
from rpnviz.grid import Grid
from rpnviz.pictures import Picture
from rpnviz.targets import label_anchors

picture = Picture.load("street-03")
grid = Grid.paper(picture.image_size)
feature_map = Backbone.load("mini").features(picture, grid)[0].mean(dim=0).detach().numpy()
anchors = grid_anchors(grid, cell_anchors())
labels = label_anchors(anchors, picture.gt_boxes, image_size=picture.image_size).labels.tolist()
nine = anchors.reshape(*grid.feature_size, 9, 4).tolist()
colours = {1: "#00B386", 0: "#E0562B", -1: "#F2C230"}


def show(row, col):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 3.7))
    left.imshow(feature_map, cmap="magma")
    left.add_patch(Rectangle((col - 1.5, row - 1.5), 3, 3, fill=False, edgecolor="#33E6FF", linewidth=2))
    right.imshow(picture.image)
    first = (row * grid.feature_size[1] + col) * 9
    for a, (x1, y1, x2, y2) in enumerate(nine[row][col]):
        colour = colours[labels[first + a]]
        right.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linewidth=1.8))
    plt.show()


row, col = widgets.IntSlider(20, 0, 39), widgets.IntSlider(5, 0, 59, description="col")
"""


@dataclass(frozen=True)
class View:
    """A view of the window and its nine anchors, and how to measure it.

    Attributes:
        name: in the table.
        prepare: a cell that is run before the traffic is counted (what the other views do not show: imports, data).
        show: the cell that opens the view.
        control: CSS of the column control that takes the arrow keys.
        column: the column in Python.
        look: JavaScript function; see meter.js.
        push: JavaScript function of i that makes the change to column FIRST + 1 + i as a dragged control would.
    """

    name: str
    prepare: str
    show: str
    control: str
    column: str
    look: str
    push: str


MATPLOTLIB = View(
    name="matplotlib inline + interactive_output",
    prepare=BASELINE,
    show='display(row, col, widgets.interactive_output(show, {"row": row, "col": col}))',
    control=".noUi-handle >> nth=1",
    column="col.value",
    look=LOOK_AT_IMAGE,
    push="""i => document.querySelectorAll(".noUi-handle")[1].dispatchEvent(
        new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, cancelable: true }))""",
)
EXPLORER = View(
    name="linked explorer",
    prepare="import rpnviz",
    show=f'explorer = rpnviz.explore("street-03").unfold()\nexplorer.col = {FIRST}\nexplorer',
    control=".rpnviz-col",
    column="explorer.col",
    look=LOOK_AT_EXPLORER,
    push=f"""i => {{
        const control = document.querySelector(".rpnviz-col");
        control.value = {FIRST + 1} + i;
        control.dispatchEvent(new Event("input", {{ bubbles: true }}));
    }}""",
)
