"""``gridpatrol check``: everything a configuration names is tried, and said in one table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from edge.app.detecting import build_detectors, build_redactor
from edge.app.streaming import sources_of
from edge.cases.owners import load_owners
from edge.config.load import load_settings
from edge.grid.cells import load_cells
from edge.grid.locate import Locator
from edge.streams.probe import Probe, probe_all
from edge.streams.thumbs import same_view


def check(config: Path) -> bool:
    """Try every stream and print what it turned out to be; whether all of them work.

    Raises:
        GridpatrolError: something else in the configuration cannot work.
    """
    settings = load_settings(config)
    cells = load_cells(
        settings.grid.cells,
        code_property=settings.grid.code_property,
        code_length=settings.grid.code_length,
    )
    for camera in settings.active_cameras:
        Locator(camera, cells)
    if settings.cases.owners is not None:
        load_owners(settings.cases.owners)
    build_redactor(settings, build_detectors(settings)).open()
    probes = probe_all(sources_of(settings))
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_table(probes))
    for line in _pairs(probes):
        console.print(line, markup=False)
    failed = {probe.camera_id for probe in probes if not probe.works}
    cameras = {probe.camera_id for probe in probes}
    console.print(f"{len(cameras) - len(failed)} of {len(cameras)} cameras work")
    return not failed


def _table(probes: Sequence[Probe]) -> Table:
    table = Table("camera", "works", "codec", "size", "fps", "key frame", "opened", "why not")
    for probe in probes:
        key = "-" if probe.key_interval_s is None else f"{probe.key_interval_s:g} s"
        table.add_row(
            f"{probe.camera_id} {probe.stream}".rstrip(),
            "[green]yes[/]" if probe.works else "[red]no[/]",
            probe.codec or "-",
            f"{probe.width}x{probe.height}" if probe.works else "-",
            f"{probe.fps:g}" if probe.fps else "-",
            f"every {key}" if key != "-" else key,
            f"{probe.opened_s:.1f} s" if probe.works else "-",
            f"[{probe.code}] {probe.problem}".replace("[", r"\[") if not probe.works else "",
        )
    return table


def _pairs(probes: Sequence[Probe]) -> list[str]:
    """What is to be said of the two streams of one camera."""
    main = {probe.camera_id: probe for probe in probes if probe.stream == "main" and probe.works}
    return [
        f"{probe.camera_id}: {said}"
        for probe in probes
        if probe.stream == "sub" and probe.works and probe.camera_id in main
        for said in _differences(probe, main[probe.camera_id])
    ]


def _differences(sub: Probe, main: Probe) -> list[str]:
    said = []
    if sub.width * sub.height >= main.width * main.height:
        said.append("detect_url is not smaller than url: are they the wrong way round?")
    if sub.thumb is not None and main.thumb is not None and not same_view(sub.thumb, main.thumb):
        said.append(
            "url and detect_url show different views: cases will have the sub-stream's picture only"
        )
    elif abs(sub.width * main.height / (sub.height * main.width) - 1.0) > 0.02:
        said.append(
            f"its streams have other proportions ({sub.width}x{sub.height}, "
            f"{main.width}x{main.height}): well where one is squeezed, but neither may be cut off"
        )
    return said
