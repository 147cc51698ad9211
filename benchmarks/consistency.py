"""One story on all pages of a workspace: python benchmarks/consistency.py WORKSPACE. Ends with 1 where two places differ.

Every page of the newest version is built aside, in both languages; `tests/consistency.py` says what is compared."""

import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from pipeline import pages, registry  # noqa: E402
from pipeline.engine import versions  # noqa: E402
from pipeline.letters import past  # noqa: E402
from pipeline.settings import workspace  # noqa: E402
from tests.consistency import differences  # noqa: E402


def main(folder: str) -> None:
    place = workspace(folder)
    with tempfile.TemporaryDirectory() as scratch, versions.open_version(place) as version:
        known, earlier = registry.load(place.registry), past.reports(place)
        site = pages.build(version, Path(scratch), registry=known, notebooks=place.notebooks, past=earlier)
        wrong, counted = differences(version, site.folder)
    print(f"{site.pages} pages, {counted['figures']} figures, {counted['ids']} ids, {counted['meanings']} meanings")
    print(f"{len(wrong)} differences", *wrong[:40], sep="\n  ")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
