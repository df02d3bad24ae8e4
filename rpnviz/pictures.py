"""Pictures with ground-truth boxes: the bundled street scenes, and a file of your own, read safely.

Shapes: M = number of gt boxes; image [H, W, 3], rows first. Boxes are xyxy in pixels of the picture, `image_size` is
(H, W).
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torchvision.ops import box_convert
from torchvision.tv_tensors import BoundingBoxes, BoundingBoxFormat

from rpnviz._files.data import data_folder
from rpnviz._files.images import array_to_rgb, read_rgb, what_to_do
from rpnviz._files.tables import one_line, printable
from rpnviz._inputs import take_size

FIT_SIZE = (600, 1000)  # the picture of the paper's example, (H, W)
PADDING = (124, 116, 104)  # the mean colour of ImageNet: next to nothing once the network has subtracted it
MAX_SCENE_BYTES = 2**20
MIN_VISIBLE_FRACTION = 0.35  # an object hidden more than this is not ground truth


@dataclass(frozen=True, eq=False)
class Picture:
    """An RGB picture with its ground truth.

    Attributes:
        image (uint8 [H, W, 3]): red, green, blue. A turned or read-only array is copied.
        gt_boxes (Tensor[M, 4]): float32, xyxy in pixels of `image`, inside it. Torchvision's BoundingBoxes are
            converted by their format.
        class_names (list[str]): one a box; text, never markup.
        name (str): what to call the picture.
        scale (tuple[float, float]): (y, x) pixels of `image` for one pixel of the file, EXIF orientation applied.
        offset (tuple[int, int]): (y, x) of the file's corner in `image`; x in the file is (x - offset[1]) / scale[1].

    Raises:
        ValueError: if the image is not uint8 [H, W, 3], or a box, class name or name is no good; says which and why.
    """

    image: npt.NDArray[np.uint8]
    gt_boxes: Tensor
    class_names: list[str]
    name: str
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        """Check what was given."""
        object.__setattr__(self, "image", _checked_image(self.image))
        _check_text(self.name, "name")
        boxes = _checked_boxes(self.gt_boxes, self.image_size)
        object.__setattr__(self, "gt_boxes", torch.from_numpy(boxes.astype(np.float32)))
        object.__setattr__(self, "class_names", _checked_names(self.class_names, len(boxes)))

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W) of the picture."""
        return self.image.shape[0], self.image.shape[1]

    def file(self) -> bytes:
        """These very pixels as a WebP file: the one that a bundled picture was read from, else one without loss."""
        if self.name in self.bundled() and np.array_equal(Picture.load(self.name).image, self.image):
            return (data_folder() / "pictures" / f"{self.name}.webp").read_bytes()
        content = io.BytesIO()
        Image.fromarray(self.image).save(content, "WEBP", lossless=True)
        return content.getvalue()

    @staticmethod
    def bundled() -> list[str]:
        """Return the names of the pictures that come with the package, sorted."""
        scenes = (data_folder() / "pictures").glob("*.json")
        return sorted(scene.stem for scene in scenes if scene.with_suffix(".webp").is_file())

    @classmethod
    def load(cls, name: str) -> Picture:
        """Load a bundled picture.

        Args:
            name (str): one of `Picture.bundled()`.

        Raises:
            ValueError: if there is no such picture; names those there are.
        """
        known = cls.bundled()
        if name not in known:
            own = "Picture.open(path) reads your own, Picture.fit(image) takes an array"
            raise ValueError(f"name: got {name!r}, takes one of {', '.join(known)}; {own}")
        return read_scene(data_folder() / "pictures" / f"{name}.json")

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], gt_boxes: Any = None, class_names: Sequence[str] | None = None
    ) -> Picture:
        """Read a picture file of your own and fit it into 600×1000.

        EXIF orientation is applied, of an animation the first frame is taken, transparent parts become white, 16-bit
        grey is scaled to 8 bit. The picture is resampled (Lanczos) with its aspect kept, centred, and padded with
        ImageNet's mean colour.

        Args:
            path (str | PathLike): JPEG, PNG, WebP, GIF, BMP, TIFF or PPM; AVIF and HEIC if Pillow has the plugin. Or
                the JSON of `read_scene` beside such a file, with its boxes: the explorers save one. "~" is your home.
            gt_boxes (Tensor[M, 4] | array | nested list | None): xyxy in pixels of the file as a viewer shows it, that
                is after its EXIF orientation; or torchvision's BoundingBoxes in one of its formats XYXY, XYWH, CXCYWH.
                They are moved along with the picture.
            class_names (Sequence[str] | None): one a box; without them every box is "object".

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is no picture, broken, of an unsupported kind or too large, or a box or class name
                is no good, or there are boxes in the JSON and besides; says which and why.
        """
        if not isinstance(path, (str, os.PathLike)):
            raise ValueError(f"path: got {path!r}, takes the path of a picture file")
        path = Path(path)
        if path.suffix.lower() == ".json":
            if gt_boxes is not None or class_names is not None:
                raise ValueError(f"gt_boxes: {path.name} has boxes of its own")
            scene = read_scene(path)
            return cls._fitted(Image.fromarray(scene.image), scene.gt_boxes, scene.class_names, scene.name)
        # A file name need not be valid text; what goes to a page must be.
        name = os.fsencode(path.stem).decode("utf-8", "replace")
        return cls._fitted(read_rgb(path), gt_boxes, class_names, name)

    @classmethod
    def fit(
        cls,
        image: npt.ArrayLike | Image.Image,
        gt_boxes: Any = None,
        class_names: Sequence[str] | None = None,
        name: str = "my picture",
    ) -> Picture:
        """Fit a picture that is in memory into 600×1000, to the pixel as `open` does with a file of it.

        Args:
            image (array [H, W, 3] | [H, W, 4] | [H, W, 2] | [H, W] | PIL image): RGB, RGBA, grey with alpha, or grey,
                of uint8; grey also of uint16 or bool.
            gt_boxes (Tensor[M, 4] | array | nested list | None): in pixels of `image`, else as for `open`.
            class_names (Sequence[str] | None): one a box; without them every box is "object".
            name: what to call the picture.

        Raises:
            ValueError: if the image is none of these kinds, or a box or class name is no good; says which and why.
        """
        return cls._fitted(array_to_rgb(image), gt_boxes, class_names, name)

    @classmethod
    def _fitted(cls, image: Image.Image, gt_boxes: Any, class_names: Sequence[str] | None, name: str) -> Picture:
        """Fit an RGB picture into 600×1000, and its boxes with it."""
        boxes = _checked_boxes([] if gt_boxes is None else gt_boxes, (image.height, image.width))
        names = _checked_names(["object"] * len(boxes) if class_names is None else class_names, len(boxes))
        fitted, scale, offset = _fit(image)
        moved = boxes * np.tile(scale[::-1], 2) + np.tile(offset[::-1], 2)
        return cls(fitted, torch.from_numpy(moved), names, name, scale, offset)


def read_scene(json_path: str | os.PathLike[str]) -> Picture:
    """Read a scene: its JSON, rendered or saved by an explorer, and the picture beside it.

    Args:
        json_path (str | PathLike): a list of objects, or a dict that has it as "objects" next to "picture", the name of
            its file (else the JSON's own with .webp), and "image_size", [H, W]; an object has "name", "visible" (xyxy,
            or null if nothing of it is seen) and "visible_fraction".

    Returns:
        Picture: gt_boxes are the `visible` boxes of the objects with visible_fraction > 0.35.

    Raises:
        FileNotFoundError: if the JSON or the picture is missing.
        ValueError: if either is not what it should be; names the file and the object.
    """
    path = Path(json_path).expanduser()
    try:
        if path.exists() and not path.is_file():
            raise ValueError("is a folder or a device, takes a file")
        if path.stat().st_size > MAX_SCENE_BYTES:
            raise ValueError(f"is larger than {MAX_SCENE_BYTES // 2**20} MiB")
        scene = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(scene, list):
            scene = {"objects": scene}
        kept = [found for i, thing in enumerate(scene["objects"]) if (found := _visible_object(i, thing))]
        file_name = scene.get("picture", f"{path.stem}.webp")
        if Path(file_name).name != file_name:
            raise ValueError(f"picture: got {file_name!r}, takes the name of a file in the same folder")
        image = np.array(read_rgb(path.with_name(file_name)))
        if tuple(scene.get("image_size", image.shape[:2])) != image.shape[:2]:
            raise ValueError(f"image_size is {scene['image_size']}, but {file_name} has {list(image.shape[:2])}")
        return Picture(image, torch.tensor([box for _, box in kept]), [name for name, _ in kept], path.stem)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{printable(str(path))}: not a scene: {type(error).__name__}: {one_line(error)}") from error


def _visible_object(index: int, thing: dict[str, Any]) -> tuple[str, list[float]] | None:
    """Return name and box of an object of a scene, None if it is too hidden to be ground truth."""
    name, box, fraction = thing["name"], thing["visible"], thing["visible_fraction"]
    if not isinstance(fraction, (int, float)) or not 0 <= fraction <= 1:
        raise ValueError(f"objects[{index}]: visible_fraction is {fraction!r}, takes 0 to 1")
    if box is None or fraction <= MIN_VISIBLE_FRACTION:
        return None
    return name, [float(edge) for edge in box]


def _fit(image: Image.Image) -> tuple[npt.NDArray[np.uint8], tuple[float, float], tuple[int, int]]:
    """Resample to fit FIT_SIZE, centred on the padding colour; return it with scale and offset, both (y, x)."""
    scale, offset, (h, w) = fitted_place((image.height, image.width))
    canvas = Image.new("RGB", FIT_SIZE[::-1], PADDING)
    canvas.paste(image.resize((w, h), Image.Resampling.LANCZOS), offset[::-1])
    return np.array(canvas), scale, offset


def fitted_place(size: tuple[int, int]) -> tuple[tuple[float, float], tuple[int, int], tuple[int, int]]:
    """Where a picture of a size (H, W) lies once it is fitted: its scale, its offset and its size there, all (y, x).

    Raises:
        ValueError: if the size is not two whole numbers above 0.
    """
    (height, width), (fit_height, fit_width) = take_size(size, "size"), FIT_SIZE
    factor = min(fit_height / height, fit_width / width)
    h, w = max(1, round(height * factor)), max(1, round(width * factor))
    # Whole pixels make the two factors differ a little; boxes follow the pixels exactly.
    return (h / height, w / width), ((fit_height - h) // 2, (fit_width - w) // 2), (h, w)


def _checked_image(image: Any) -> npt.NDArray[np.uint8]:
    """Return the image as an array that PyTorch can share: its rows one after the other, and not read-only."""
    shape: tuple[int, ...] = getattr(image, "shape", ())
    dtype = getattr(image, "dtype", type(image).__name__)
    if not isinstance(image, np.ndarray) or dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
        hint = what_to_do(image) if isinstance(image, np.ndarray) else ""
        own = f"{hint}; Picture.fit takes tensors, grey and transparent ones"
        raise ValueError(f"image: got {dtype} {list(shape)}, takes uint8 [H, W, 3]{own}")
    return np.require(image, np.uint8, ["C", "W", "E"])


def _checked_boxes(gt_boxes: Any, image_size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Return boxes as float64 [M, 4], every one finite, with an area, and inside the picture, as float32 too."""
    boxes = _corners(gt_boxes, image_size)
    if boxes.shape == (0,):
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"gt_boxes: got shape {boxes.shape}, takes [M, 4]: a row of x1, y1, x2, y2 for each box")
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which is refused below
        rounded = boxes.astype(np.float32)
    for index, box in enumerate(rounded.tolist()):
        if trouble := _trouble_with(box, image_size):
            hint = "" if isinstance(gt_boxes, BoundingBoxes) else _hint_of_sizes(boxes, image_size)
            raise ValueError(f"gt_boxes[{index}] = {boxes[index].tolist()} {trouble}{hint}")
    return boxes


def _corners(gt_boxes: Any, image_size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Return boxes as float64; those of torchvision say themselves how they are written, and of which picture."""
    if isinstance(gt_boxes, BoundingBoxes):
        takes = (BoundingBoxFormat.XYXY, BoundingBoxFormat.XYWH, BoundingBoxFormat.CXCYWH)
        if gt_boxes.format not in takes:
            raise ValueError(f"gt_boxes: got the format {gt_boxes.format.value}, takes XYXY, XYWH or CXCYWH")
        if tuple(gt_boxes.canvas_size) != image_size:
            raise ValueError(f"gt_boxes: got canvas_size {tuple(gt_boxes.canvas_size)}, the picture has {image_size}")
        plain = gt_boxes.detach().as_subclass(Tensor).double()
        gt_boxes = box_convert(plain, gt_boxes.format.value.lower(), "xyxy")
    try:
        if isinstance(gt_boxes, Tensor) and not gt_boxes.is_complex():
            gt_boxes = gt_boxes.detach().double().cpu()  # NumPy has no bfloat16
        values = np.asarray(gt_boxes)
        if values.dtype.kind == "c":
            raise TypeError("they are complex")
        return values.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"gt_boxes: got {type(gt_boxes).__name__} that is not a table of numbers ({error})") from error


def _trouble_with(box: Sequence[float], image_size: tuple[int, int]) -> str:
    """Say what is wrong with an xyxy box, "" if nothing is."""
    (x1, y1, x2, y2), (height, width) = box, image_size
    if not all(map(math.isfinite, box)):
        return "is not finite"
    if x2 <= x1 or y2 <= y1:
        return "has no area: takes x1 < x2 and y1 < y2"
    if x1 < 0 or y1 < 0 or x2 > width or y2 > height:
        return f"reaches outside the picture of {width}×{height} (width × height)"
    return ""


def _hint_of_sizes(boxes: npt.NDArray[np.float64], image_size: tuple[int, int]) -> str:
    """Say so if boxes that are wrong as corners would all be right as COCO writes them: x, y, width, height."""
    as_corners = boxes + np.pad(boxes[:, :2], ((0, 0), (2, 0)))
    if any(_trouble_with(box, image_size) for box in as_corners.tolist()):
        return ""
    return (
        "; boxes are x1, y1, x2, y2, and these look like x, y, width, height, as COCO has them: "
        'torchvision.ops.box_convert(boxes, "xywh", "xyxy") converts them'
    )


def _checked_names(class_names: Any, count: int) -> list[str]:
    if isinstance(class_names, str) or not isinstance(class_names, Sequence):
        raise ValueError(f"class_names: got {class_names!r}, takes a list of str")
    for index, name in enumerate(class_names):
        _check_text(name, f"class_names[{index}]")
    if len(class_names) != count:
        raise ValueError(f"class_names: got {len(class_names)} names for {count} boxes, takes one a box")
    return list(class_names)


def _check_text(text: Any, argument: str) -> None:
    """Refuse what is no str, or holds half of a UTF-16 pair, as broken JSON may: no page can be written with it."""
    if not isinstance(text, str):
        raise ValueError(f"{argument}: got {text!r}, takes str")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{argument}: got {text!r}, takes text that is valid Unicode") from error
