"""The result as a table for the console, as JSON and as CSV for scripts."""

from __future__ import annotations

import dataclasses
import json

from rpnviz._files import tables
from rpnviz.fit.result import CoverageRow, Finding, FitResult, Suggestion

GROUPS = {"by_size": "size in the picture", "by_network_size": "size in the network", "by_ratio": "shape"}
MOST_CLASSES = 20  # in the table; JSON and CSV have all


def as_table(result: FitResult) -> str:
    """Lines for a console; control characters of a stranger's names are replaced."""
    many = f"{result.num_objects:,} objects in {result.num_pictures:,} pictures"
    lines = [f"{result.source}: {result.format}, {many}", *map(_finding, result.findings), ""]
    lines += [f"anchors: {result.anchors_name}, {result.num_anchors:,} a picture, resized {result.resizing}"]
    lines += [_row(CoverageRow("", 0, (0, 0), 0, 0), head=True), _row(result.overall)]
    for group, title in GROUPS.items():
        lines += [title, *(_row(row) for row in getattr(result, group) if row.objects)]
    lines += ["class", *map(_row, result.by_class[:MOST_CLASSES])]
    if len(result.by_class) > MOST_CLASSES:
        lines.append(f"  and {len(result.by_class) - MOST_CLASSES:,} classes with fewer objects")
    alone = f"{result.by_best_rule_alone:,} objects depend on the best-per-object rule alone (best IoU below 0.7)"
    lines += ["", f"{alone}; below 0.3 are {result.unreached:,}"]
    if result.untouched:
        lines.append(f"{result.untouched:,} objects are touched by no anchor: nothing answers for them")
    lines += ["", "shape of anchor: best for, positive for"]
    lines += [f"  {row.name:34} {row.best_for:>10,} {row.positive_for:>10,}" for row in result.shapes]
    if result.suggestions:
        covered = f"{result.present_on_half[0]:.1%} and {result.present_on_half[1]:.1%}"
        lines += ["", f"on the half that judges, at 0.5 and 0.7: present anchors {covered}"]
        lines += [_suggestion(one) for one in result.suggestions]
    return "\n".join(tables.printable(line) for line in [*lines, "", result.verdict])


def as_json(result: FitResult) -> bytes:
    """All but the sample."""
    names = [field.name for field in dataclasses.fields(result) if field.name != "sample"]
    plain = {name: _as_plain(getattr(result, name)) for name in names}
    return json.dumps(plain, indent=2, ensure_ascii=False).encode()


def as_csv(result: FitResult) -> bytes:
    """The rows of coverage, see `tables.as_csv`."""
    groups = {"all": (result.overall,), **{group: getattr(result, group) for group in (*GROUPS, "by_class")}}
    return tables.as_csv(
        ["group", "name", "objects", "covered_0.5", "covered_0.7", "mean_iou", "positives"],
        ([group, *_flat(row)] for group, rows in groups.items() for row in rows),
    )


def _flat(row: CoverageRow) -> list[object]:
    return [row.name, row.objects, *row.covered, row.mean_iou, row.positives]


def _as_plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_as_plain(one) for one in value]
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value


def _finding(one: Finding) -> str:
    what = "left out" if one.left_out else "kept"
    return f"  {one.count:,} {what}: they {one.what} ({'; '.join(one.examples)}{'; …' if one.count > 3 else ''})"


def _row(row: CoverageRow, head: bool = False) -> str:
    if head:
        return f"  {'':34} {'objects':>10} {'≥ 0.5':>7} {'≥ 0.7':>7} {'IoU':>6} {'positives':>10}"
    half, seven = row.covered
    shares = f"{half:>7.1%} {seven:>7.1%} {row.mean_iou:>6.2f}"
    return f"  {row.name[:34]:34} {row.objects:>10,} {shares} {row.positives:>10.1f}"


def _suggestion(one: Suggestion) -> str:
    made = f"scales {_listed(one.scales)} × ratios {_listed(one.aspect_ratios)}" if one.scales else one.how
    half, seven = one.covered
    return f"  {len(one.shapes):>2} shapes {half:>7.1%} {seven:>7.1%} {one.anchors:>10,} anchors  {made}"


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)
