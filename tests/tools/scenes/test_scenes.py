"""The street generator: shapes, camera, layouts and the composed scenes, all of which need only numpy.

Rendering needs Mitsuba and OIDN, which the `render` extra brings and the `dev` extra does not (400 MB and an LLVM).
Where they are installed, `test_render_smoke` exists too; elsewhere it is not collected, rather than called skipped.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tools.scenes import annotate, mesh
from tools.scenes.__main__ import jobs, main, parser
from tools.scenes.bundled import RECIPES
from tools.scenes.camera import HEIGHT, WIDTH, Camera
from tools.scenes.furniture import FURNITURE
from tools.scenes.houses import hill, house
from tools.scenes.layout import draw_objects, draw_street, random_scene
from tools.scenes.mesh import Mesh, ball, box, curve, hull_along_x, hull_along_z, lathe, rounded_box, torus, tube
from tools.scenes.parts import Parts
from tools.scenes.recipe import Item, Recipe, compose
from tools.scenes.scene import KINDS, PAVEMENT_HEIGHT, VEHICLES, Placed, Scene, keeps_to_the_road
from tools.scenes.textures import PAVEMENTS, TILE_PIXELS, ground_textures

ROOT = Path(__file__).parents[3]
CUBE = box((2.0, 2.0, 2.0), (0.0, 10.0, 2.0))

# ---- shapes


def unpaired_edges(shape: Mesh) -> int:
    """Count the edges that are not shared by exactly two faces running opposite ways; 0 for a closed surface."""
    _, index = np.unique(np.round(shape.vertices * 1e9).astype(np.int64), axis=0, return_inverse=True)
    faces = index.ravel()[shape.faces]
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])]
    edges = Counter((int(a), int(b)) for face in faces for a, b in zip(face, np.roll(face, -1), strict=True))
    return sum(count != 1 or edges[b, a] != 1 for (a, b), count in edges.items())


PRIMITIVES: dict[str, tuple[Mesh, float | None]] = {  # with the volume where it is known
    "box": (box((1, 2, 3), (4, 5, 6)), 6.0),
    "rounded box": (rounded_box((1, 2, 3), radius=1e-6), 6.0),
    "ball": (ball(1.0, (3, 0, 0), 96), 4 / 3 * np.pi),
    "ellipsoid": (ball((1.0, 2.0, 3.0), n=96), 8 * np.pi),
    "torus": (torus(2.0, 0.5, 128, 64), 2 * np.pi**2 * 2 * 0.25),
    "lathe": (lathe([(1.0, 0.0), (1.0, 2.0)], 256), 2 * np.pi),
    "lathe, listed downwards": (lathe([(1.0, 2.0), (1.0, 0.0)], 256), 2 * np.pi),
    "tube": (tube([(0, 0, 0), (0, 0, 3)], 0.5, 128, 32), np.pi * 0.25 * 3 + np.pi / 6),
    "bent tube": (tube(curve((0, 0, 0), (1, 0, 1), (2, 1, 1)), np.linspace(0.1, 0.2, 21)), None),
    "hull along x": (hull_along_x([0, 1, 2], [1, 1, 1], [0, 0, 0], [2, 2, 2], 1.0, 256), 2 * np.pi),
    "hull along z": (hull_along_z([0, 1, 2], [-1, -1, -1], [1, 1, 1], [1, 1, 1], 1.0, 256), 2 * np.pi),
}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_primitives_are_closed_and_turn_outward(name: str) -> None:
    shape, volume = PRIMITIVES[name]
    assert unpaired_edges(shape) == 0
    assert mesh.signed_volume(shape) > 0
    if volume is not None:
        assert mesh.signed_volume(shape) == pytest.approx(volume, rel=5e-3)


BUILDERS: dict[str, Callable[[np.random.Generator], Parts]] = {
    **{name: kind.build for name, kind in KINDS.items()},
    **FURNITURE,
    "house": lambda rng: house(rng, 7.0, 2),
    "hill": hill,
}


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("look", [0, 1])
def test_every_part_of_every_object_is_closed_and_turns_outward(name: str, look: int) -> None:
    for part in BUILDERS[name](np.random.default_rng(look)):
        assert unpaired_edges(part.mesh) == 0
        assert mesh.signed_volume(part.mesh) > 0
        assert min(*part.colour, part.roughness) >= 0 and max(*part.colour, part.roughness) <= 1


@pytest.mark.parametrize("name", BUILDERS)
def test_objects_stand_on_the_ground(name: str) -> None:
    if name != "hill":
        for look in range(5):
            lowest = min(part.mesh.vertices[:, 2].min() for part in BUILDERS[name](np.random.default_rng(look)))
            assert -0.35 < lowest < 0.001  # a trunk or a wheel arch may reach into the ground, where it is pressed flat


@pytest.mark.parametrize("mirrored", [False, True])
def test_turning_and_mirroring_keep_faces_outward(mirrored: bool) -> None:
    shape = rounded_box((1, 2, 3)).turned("y", 30).scaled((1, -1, 1) if mirrored else (1, 1, 1))
    assert mesh.signed_volume(shape) > 0


def test_normals_are_smooth_on_a_ball_and_crisp_on_a_box() -> None:
    corners, normals = mesh.shade(ball(2.0, n=48))
    assert np.abs(normals - corners / 2).max() < 0.05
    corners, normals = mesh.shade(box((2, 2, 2)))
    assert len(corners) == 48  # four sides of two triangles, two lids of four
    assert np.allclose(np.sort(np.abs(normals), axis=1), [0, 0, 1])
    assert np.einsum("ij,ij->i", corners, normals).min() == pytest.approx(1)  # outward, and 1 m from the middle


# ---- camera


def test_camera_projects_by_hand() -> None:
    level = Camera(height=2.0, fov=90.0, horizon=HEIGHT / 2)  # focal length 500 px
    pixels, depth = level.project(np.array([[0.0, 10.0, 2.0], [4.0, 10.0, 2.0], [0.0, 10.0, 0.0]]))
    assert np.allclose(pixels, [[500, 300], [700, 300], [500, 400]])  # 2 m down at 10 m: 100 px
    assert np.allclose(depth, 10)


def test_box_of_a_known_cube() -> None:
    level = Camera(height=2.0, fov=90.0, horizon=HEIGHT / 2)
    near = 500 * 1 / 9  # the cube's near face is 9 m away
    assert level.box_of(CUBE.vertices) == pytest.approx((500 - near, 300 - near, 500 + near, 300 + near))
    assert level.box_of(CUBE.vertices - [0, 20, 0]) is None  # behind the camera
    assert level.box_of(CUBE.vertices - [0, 10, 0]) is None  # round the camera


def test_camera_tilt_and_yaw() -> None:
    tilted = Camera(height=2.0, fov=50.0, horizon=180.0)
    pixels, _ = tilted.project(np.array([[0.0, 1e6, 2.0]]))
    assert pixels[0] == pytest.approx([500, 180], abs=1e-2)
    left = Camera(height=2.0, fov=50.0, horizon=300.0, yaw=10.0)
    pixels, _ = left.project(np.array([[0.0, 10.0, 2.0]]))
    assert pixels[0, 0] > 500  # turned to the left, it sees what is ahead on its right
    pixels, _ = left.project(np.array([[left.across(200.0, 10.0), 10.0, 2.0]]))
    assert pixels[0, 0] == pytest.approx(200)


# ---- layouts


def fingerprint(scene: Scene) -> list[tuple[str, float, float]]:
    things = [*scene.objects, *scene.scenery]
    return [(thing.name, float(thing.points.sum()), thing.yaw) for thing in things]


def test_layout_is_deterministic_by_seed() -> None:
    assert fingerprint(random_scene(5)) == fingerprint(random_scene(5)) != fingerprint(random_scene(6))


@pytest.mark.parametrize("seed", range(4))
def test_random_scenes_keep_their_rules(seed: int) -> None:
    street = draw_street(seed)
    objects = draw_objects(seed, street)
    assert 1 <= len(objects) <= 8
    for i, placed in enumerate(objects):
        assert placed.stands_clear_of([*objects[:i], *objects[i + 1 :]])
        ground = street.ground(float(placed.position[1]))
        assert placed.position[2] == ground
        assert placed.points[:, 2].min() == pytest.approx(ground, abs=0.001)  # neither sunk nor floating
        if placed.name in VEHICLES:
            assert keeps_to_the_road(placed, street)
        amodal = street.camera.box_of(placed.points)
        assert amodal is not None and max(amodal[2] - amodal[0], amodal[3] - amodal[1]) >= 60


def test_all_kinds_turn_up() -> None:
    assert {placed.name for seed in (10, 14) for placed in draw_objects(seed, draw_street(seed))} == set(KINDS)


def test_compose_refuses_collisions_and_kerbs() -> None:
    def recipe(*items: Item) -> Recipe:
        return Recipe("trial", "", 1, Camera(2.0, 50, 185), (6.0, 13.0, 18.0), items)

    with pytest.raises(ValueError, match=r"trial: item 1 \(dog\) stands in an item before it"):
        compose(recipe(Item("person", 500, 8.0, 0, look=1), Item("dog", 500, 8.2, 0, look=1)))
    with pytest.raises(ValueError, match=r"item 0 \(car\) reaches from depth 5"):
        compose(recipe(Item("car", 500, 6.5, 0, look=1)))


# ---- the bundled pictures are what their recipes say


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_bundled_truth_is_that_of_its_recipe(recipe: Recipe) -> None:
    truth = json.loads((ROOT / f"data/pictures/{recipe.name}.json").read_text("utf-8"))
    assert (truth["seed"], truth["shows"]) == (recipe.seed, recipe.shows)
    assert truth["picture"] == f"{recipe.name}.webp" and truth["image_size"] == [HEIGHT, WIDTH]
    scene = compose(recipe)
    assert [entry["name"] for entry in truth["objects"]] == [placed.name for placed in scene.objects]
    for entry, placed in zip(truth["objects"], scene.objects, strict=True):
        assert entry["amodal"] == pytest.approx(scene.street.camera.box_of(placed.points), abs=0.11)


# ---- textures, ground truth, command line


def test_textures_tile() -> None:
    tiles = ground_textures()
    assert set(tiles) == {"asphalt", "grass", *(f"pavement {i}" for i in range(len(PAVEMENTS)))}
    for tile in tiles.values():
        assert tile.shape == (TILE_PIXELS, TILE_PIXELS, 3) and tile.min() > 0 and tile.max() < 1
    for axis in (0, 1):  # noise wraps: the step over the seam is no larger than the steps within
        inside = np.abs(np.diff(tiles["asphalt"], axis=axis)).mean()
        seam = np.abs(tiles["asphalt"].take(0, axis) - tiles["asphalt"].take(-1, axis)).mean()
        assert seam < 1.2 * inside


def test_ground_truth_from_pixels() -> None:
    street = draw_street(0)
    things = [Placed(name, KINDS[name].build(np.random.default_rng(0)), np.array([0, 9.0, 0]), 0) for name in KINDS]
    scene = Scene(0, street, things[:2], [])
    seen = np.full((HEIGHT, WIDTH), -1)
    seen[100:200, 300:350] = 0
    (entry,) = annotate.describe(scene, seen, [20_000, 10])  # the second object shows no pixel
    assert entry["name"] == things[0].name
    assert entry["visible"] == [300, 100, 350, 200]
    assert entry["visible_fraction"] == 0.25


@pytest.mark.parametrize("seeds", [("5", "5"), ("-1", "3"), ("0", "1000001")])
def test_command_line_refuses_seeds(seeds: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--seeds takes"):
        main(["render", "--out", str(tmp_path), "--seeds", *seeds])


def test_command_line_refuses_samples(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="at least 1, got 0"):
        main(["bundled", "--samples", "0", "--out", str(tmp_path)])


def test_command_line_resumes(tmp_path: Path) -> None:
    (tmp_path / "000003.json").write_text("{}")
    options = parser().parse_args(["render", "--seeds", "2", "5", "--out", str(tmp_path)])
    assert [name for name, _, _ in jobs(options)] == ["000002", "000004"]


def test_bundled_seeds_are_out_of_reach_of_training() -> None:
    assert min(recipe.seed for recipe in RECIPES) >= 1_000_000
    assert parser().parse_args(["bundled"]).out == ROOT / "data/pictures"


def test_without_mitsuba_the_extra_is_named(tmp_path: Path) -> None:
    """A missing Mitsuba (here: hidden, should it be installed) costs one line that names the extra."""
    hide = "import sys; sys.modules['mitsuba'] = None\nfrom tools.scenes.__main__ import main\n"
    call = f"main(['render', '--seeds', '0', '1', '--out', {str(tmp_path)!r}])"
    done = subprocess.run([sys.executable, "-c", hide + call], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and '".[render]"' in done.stderr


if importlib.util.find_spec("mitsuba") is not None and importlib.util.find_spec("pyoidn") is not None:

    def test_render_smoke(tmp_path: Path) -> None:
        main(["bundled", "--only", "street-02", "--samples", "1", "--out", str(tmp_path)])
        fresh = json.loads((tmp_path / "street-02.json").read_text("utf-8"))["objects"]
        kept = json.loads((ROOT / "data/pictures/street-02.json").read_text("utf-8"))["objects"]
        assert [entry["visible"] for entry in fresh] == [entry["visible"] for entry in kept]
        assert (tmp_path / "street-02.webp").stat().st_size > 10_000


def test_pavement_is_above_the_road() -> None:
    street = draw_street(0)
    assert street.ground(street.near_kerb - 1) == street.ground(street.far_kerb + 1) == PAVEMENT_HEIGHT
    assert street.ground((street.near_kerb + street.far_kerb) / 2) == 0
