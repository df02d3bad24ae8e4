"""The command line of the package.

    rpnviz lab [FOLDER]                          put the notebooks into a folder, and open JupyterLab on the first
    rpnviz site                                  open the same as a web site, which moves without Python
    rpnviz doctor                                what is installed, missing or slow here
    rpnviz grade NOTEBOOK… [--out grades.csv]    check the exercise functions of submitted notebooks
    rpnviz fit ANNOTATIONS [--report fit.html]   do these anchors fit these objects?
    rpnviz progress                              what you have done so far
    rpnviz forget                                delete the file that remembers it

`python -m rpnviz` is the same. Exit status: 0 when it was done (grade: whatever the verdicts are); 1 when grade could
not read one of the notebooks, which its row says, or fit a part of the annotations, or the anchors cover less than
--at-least, or the site could not be made; 2 for a wrong call, annotations that cannot be opened, or a file that cannot
be written; 130 when grade, or the making of the site, was interrupted.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rpnviz._files.atomic import write_whole

if TYPE_CHECKING:
    from rpnviz.exercises.notebooks.grading import Row

INTERRUPTED = 130


class _NotWrittenError(Exception):
    """The table cannot be written; the text says where and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    _say_what_the_console_cannot()
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command != "lab":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if options.command == "lab":
            return _lab(options.folder, rest)
        return COMMANDS[options.command](options)
    except (_NotWrittenError, OSError, ValueError) as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rpnviz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    lab = commands.add_parser("lab", help="put the notebooks into a folder, and open JupyterLab on the first")
    lab.add_argument("folder", nargs="?", type=Path, default=Path("rpnviz"), help="(default: ./%(default)s)")
    commands.add_parser("site", help="open the same as a web site, which moves without Python")
    commands.add_parser("doctor", help="what is installed, missing or slow here")
    grade = commands.add_parser("grade", help="check the exercise functions of submitted notebooks")
    grade.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help=".ipynb files; * and ? are understood")
    grade.add_argument("--out", type=Path, default=Path("grades.csv"), help="the table (default: %(default)s)")
    _add_fit(commands)
    commands.add_parser("progress", help="what you have done so far")
    commands.add_parser("forget", help="delete the file that remembers it")
    return parser


def _add_fit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fit = commands.add_parser("fit", help="do these anchors fit these objects?")
    fit.add_argument(
        "annotations", type=Path, help="COCO or rpnviz JSON, or a folder of Pascal VOC's XML or YOLO's text"
    )
    fit.add_argument("--images", type=Path, metavar="FOLDER", help="where YOLO's pictures are, if not beside the text")
    fit.add_argument("--anchors", choices=("paper", "fpn", "retinanet"), default="paper", help="(default: %(default)s)")
    fit.add_argument("--scales", type=float, nargs="+", metavar="PX", help="your own, √area, on one map of stride 16")
    fit.add_argument("--ratios", type=float, nargs="+", metavar="H/W", help="your own, with --scales")
    fit.add_argument("--resize", metavar="RULE", help="600/1000, 800/1333, 640 or none (default: as the detector does)")
    fit.add_argument("--at-least", type=float, metavar="SHARE", help="exit status 1 if less is covered at IoU 0.5")
    for name, what in (("report", "a page to look at"), ("json", "all numbers"), ("csv", "a row a group")):
        fit.add_argument(f"--{name}", type=Path, metavar="FILE", help=what)


def _say_what_the_console_cannot() -> None:
    """Write the number of a letter that the console does not know: a pipe on Windows knows few, and would raise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(text: str) -> None:
    """Print; when the reader has left (`| head`), go on in silence: the table is still wanted."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _lab(folder: Path, arguments: Sequence[str]) -> int:
    """Put the notebooks into the folder, say what became of them, and run JupyterLab until it is stopped."""
    from rpnviz.start.folder import put_notebooks
    from rpnviz.start.lab import open_lab, tell

    _say(tell(folder, put_notebooks(folder)))
    open_lab(folder, arguments)
    return 0


def _site(_: argparse.Namespace) -> int:
    """Build the site, if it is not there, and serve it until Ctrl-C."""
    from rpnviz.start.site import build_site, is_built, serve, site_folder

    folder = site_folder()
    if not is_built(folder):
        try:
            build_site(folder, _say)
        except KeyboardInterrupt:
            _say("\nInterrupted. What has run is kept; the next rpnviz site goes on from there.")
            return INTERRUPTED
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 1
    serve(folder, _say)
    return 0


def _doctor(_: argparse.Namespace) -> int:
    from rpnviz.start.doctor import examine, report

    findings = list(examine())
    _say(report(findings))
    return int(any(finding.trouble for finding in findings))


def _progress(_: argparse.Namespace) -> int:
    from rpnviz.exercises import progress

    _say(str(progress()))
    return 0


def _forget(_: argparse.Namespace) -> int:
    from rpnviz.exercises import forget

    try:
        _say("Forgotten: the file is deleted." if forget() else "There was nothing to forget.")
    except OSError as error:
        raise OSError(f"the file cannot be deleted: {error}") from error
    return 0


def _fit(options: argparse.Namespace) -> int:
    """Read, compare, say it; the files are written whole."""
    from rpnviz._inputs import take_number
    from rpnviz.fit.anchor_sets import ANCHOR_SETS, one_map
    from rpnviz.fit.fitting import fit_anchors
    from rpnviz.fit.writing import as_csv, as_json, as_table

    files = [path for path in (options.report, options.json, options.csv) if path]
    for path in files:
        _refuse_what_cannot_be_written(path)  # before a minute of work
    if len({path.resolve() for path in (options.annotations, *files)}) <= len(files):
        raise ValueError("--report, --json, --csv and the annotations must be different files")
    if options.at_least is not None:
        take_number(options.at_least, "--at-least", 0, 1)
    own = {"scales": options.scales, "aspect_ratios": options.ratios}
    given = {name: values for name, values in own.items() if values}
    if given and options.anchors != "paper":
        raise ValueError("--scales and --ratios describe one map; leave --anchors out")
    anchors = one_map(**given) if given else ANCHOR_SETS[options.anchors]()
    result = fit_anchors(options.annotations, anchors, options.images, options.resize)
    _say(as_table(result))
    for path, write in ((options.json, as_json), (options.csv, as_csv)):
        if path:
            write_whole(path, write(result))
    if options.report:
        from rpnviz.explorers import FitExplorer

        write_whole(options.report, FitExplorer(result).to_html().encode())
    broken = any("could not be read" in finding.what for finding in result.findings)
    covered = result.overall.covered[0]
    return int(broken or (options.at_least is not None and covered < options.at_least))


def _grade(options: argparse.Namespace) -> int:
    """Grade, a line for each notebook; whatever ends this early, the table holds what was graded until then."""
    from rpnviz.exercises.notebooks.grading import UNREADABLE, expand, grade, summarise

    out: Path = options.out
    try:
        _refuse_what_cannot_be_written(out)  # before minutes of work
    except _NotWrittenError as error:
        raise _NotWrittenError(f"--out: {error}") from error
    graded: list[Row] = []
    try:
        for rows in grade(expand(options.notebooks)):
            graded += rows
            _say(summarise(rows))
    except KeyboardInterrupt:
        _say("Interrupted.")
        return INTERRUPTED
    finally:
        if graded:
            _keep(graded, out)
    return int(any(row.verdict == UNREADABLE for row in graded))


def _refuse_what_cannot_be_written(out: Path) -> None:
    try:
        if not out.name or out.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if out.exists():
            if not out.is_file():
                raise OSError(errno.EINVAL, "it is a device or a pipe")
            with out.open("r+b"):  # on Windows no program can write what Excel has open
                pass
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise _NotWrittenError(f"{out} cannot be written: {error.strerror}") from error


def _keep(graded: Sequence[Row], out: Path) -> None:
    """Write the table, whole; where that has become impossible meanwhile, print it."""
    from rpnviz.exercises.notebooks.grading import as_csv

    try:
        write_whole(out, as_csv(graded))
    except OSError as error:
        _say(as_csv(graded).decode("utf-8-sig"))
        raise _NotWrittenError(f"{out} can no longer be written: {error.strerror}. The table is printed.") from error
    _say(f"{len(graded)} {'row' if len(graded) == 1 else 'rows'} in {out}")


COMMANDS = {"doctor": _doctor, "fit": _fit, "forget": _forget, "grade": _grade, "progress": _progress, "site": _site}

if __name__ == "__main__":
    sys.exit(main())
