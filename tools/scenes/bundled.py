"""The twelve pictures of data/pictures, composed so that the set shows what data/README.md lists.

The numbers were found by trying: lay out, compare the boxes with the anchors, look at a one-sample render, move.
"""

from __future__ import annotations

from tools.scenes.camera import Camera
from tools.scenes.recipe import Item, Recipe

RECIPES: tuple[Recipe, ...] = (
    Recipe(
        name="street-01",
        shows="A bus fills the widest anchor, and a person in front of it the tall middle one.",
        seed=1000001,
        camera=Camera(1.9, 50, 185, -5),
        depths=(6.4, 13.6, 18.6),
        items=(
            Item("bus", 560, 11.4, 177, look=176),
            Item("person", 215, 5.5, -10, look=28),
            Item("traffic cone", 800, 5.6, 10, look=3),
        ),
    ),
    Recipe(
        name="street-02",
        shows="An empty street with one tiny cone: no anchor reaches an IoU of 0.3 with it.",
        seed=1000002,
        camera=Camera(2.4, 54, 205, 10),
        depths=(6.6, 13.4, 18.4),
        items=(Item("traffic cone", 640, 14.8, 20, look=5),),
    ),
    Recipe(
        name="street-03",
        shows="A person walks a dog past a car, and a bicycle stands across the street.",
        seed=1000403,
        camera=Camera(1.9, 50, 185, -8),
        depths=(6.3, 13.2, 18.8),
        items=(
            Item("person", 225, 5.45, -22, look=125),
            Item("dog", 460, 5.8, -20, look=156),
            Item("car", 729, 11.17, -3, look=178),
            Item("bicycle", 440, 15.6, 10, look=10),
        ),
    ),
    Recipe(
        name="street-04",
        shows="A person so close that the tallest anchor fits, which can only overhang the picture.",
        seed=1000004,
        camera=Camera(1.8, 50, 180, 6),
        depths=(6.0, 13.0, 18.0),
        items=(
            Item("person", 289, 1.71, -21, look=69),
            Item("car", 800, 10.4, 8, look=46),
            Item("dog", 700, 5.0, 150, look=3),
        ),
    ),
    Recipe(
        name="street-05",
        shows="A bus turns across the street and fills the largest square.",
        seed=1000005,
        camera=Camera(1.9, 50, 185, 0),
        depths=(4.7, 14.6, 20.0),
        items=(
            Item("bus", 477, 9.75, -79, look=108),
            Item("person", 180, 6.6, 200, look=123),
            Item("bicycle", 930, 16.4, -10, look=12),
        ),
    ),
    Recipe(
        name="street-06",
        shows="Two people walk so close together that their boxes overlap by half.",
        seed=1000106,
        camera=Camera(1.9, 50, 185, 10),
        depths=(7.2, 14.0, 19.0),
        items=(
            Item("person", 420, 5.2, -5, look=62),
            Item("person", 455, 6.2, 4, look=28),
            Item("car", 790, 11.6, 3, look=9),
            Item("bicycle", 160, 15.0, 5, look=78),
        ),
    ),
    Recipe(
        name="street-07",
        shows="Five people near and far: the same shape at many scales, some between two anchors.",
        seed=1000007,
        camera=Camera(2.2, 52, 180, -12),
        depths=(8.0, 14.8, 20.5),
        items=(
            Item("person", 160, 9.9, 10, look=108),
            Item("person", 330, 6.8, 170, look=164),
            Item("person", 520, 10.3, 353, look=123),
            Item("person", 690, 7.2, -160, look=102),
            Item("person", 860, 16.0, 90, look=29),
            Item("bicycle", 620, 16.4, 170, look=114),
        ),
    ),
    Recipe(
        name="street-08",
        shows="Three cones of three sizes on the road, of which one fits an anchor well.",
        seed=1000008,
        camera=Camera(2.3, 50, 195, 4),
        depths=(6.0, 12.8, 18.2),
        items=(
            Item("traffic cone", 200, 7.6, 0, look=1),
            Item("traffic cone", 420, 7.7, 30, look=2),
            Item("traffic cone", 630, 7.6, 60, look=4),
            Item("car", 560, 10.9, 174, look=168),
            Item("person", 850, 6.9, 100, look=22),
        ),
    ),
    Recipe(
        name="street-09",
        shows="Half a car, half a bicycle, a person without feet: the border cuts three objects.",
        seed=1000009,
        camera=Camera(2.0, 52, 190, -16),
        depths=(6.5, 13.4, 19.0),
        items=(
            Item("car", 30, 8.4, 0, look=104),
            Item("bicycle", 1000, 5.0, 20, look=14),
            Item("person", 610, 3.3, -40, look=188),
            Item("dog", 480, 10.0, -30, look=8),
        ),
    ),
    Recipe(
        name="street-10",
        shows="Three dogs at three scales.",
        seed=1000010,
        camera=Camera(1.9, 50, 185, 14),
        depths=(7.0, 13.8, 19.2),
        items=(
            Item("dog", 240, 4.6, 48, look=102),
            Item("dog", 560, 8.3, 30, look=39),
            Item("dog", 770, 6.2, 188, look=127),
            Item("person", 440, 15.6, -80, look=8),
        ),
    ),
    Recipe(
        name="street-11",
        shows="Bicycles near and far, two of them one behind the other.",
        seed=1000011,
        camera=Camera(2.0, 50, 190, -4),
        depths=(7.2, 14.2, 19.6),
        items=(
            Item("bicycle", 270, 5.0, 47, look=14),
            Item("bicycle", 640, 5.6, 6, look=38),
            Item("bicycle", 690, 6.6, 2, look=141),
            Item("bicycle", 480, 15.8, -4, look=114),
            Item("car", 840, 12.2, 184, look=77),
        ),
    ),
    Recipe(
        name="street-12",
        shows="All six classes in one street.",
        seed=1000012,
        camera=Camera(2.1, 52, 190, 8),
        depths=(6.4, 13.4, 19.0),
        items=(
            Item("bus", 300, 11.4, 182, look=29),
            Item("car", 830, 8.4, -4, look=122),
            Item("person", 570, 5.6, 195, look=17),
            Item("dog", 390, 5.2, 170, look=20),
            Item("bicycle", 885, 5.3, 8, look=3),
            Item("traffic cone", 200, 5.6, 0, look=6),
        ),
    ),
)
