"""What lies beside the package in the repository and inside it in a wheel; everything else is said in pyproject.toml.

`warehouse/`, `notebooks/` and `dagster.yaml` stay at the root, where people look for them. A wheel carries them in
`pipeline/shipped/`, where `pipeline.files.shipped` finds them; an editable install reads them in place.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PATTERNS = (
    "warehouse/**/*.sql",
    "warehouse/**/*.csv",
    "warehouse/**/*.yml",
    "notebooks/*.ipynb",
    "notebooks/en.po",
    "dagster.yaml",
)


class BuildPy(build_py):
    """Copies the shipped files into the package, and names them as sources, so that a source distribution has them too."""

    def run(self) -> None:
        if self.editable_mode:
            return super().run()
        shutil.rmtree(Path(self.build_lib, "pipeline"), ignore_errors=True)  # what an earlier build left there is not this one's
        super().run()
        for target, source in self._shipped().items():
            self.mkpath(str(Path(target).parent))
            self.copy_file(source, target, preserve_mode=False)

    def _shipped(self) -> dict[str, str]:
        found = sorted(path for pattern in PATTERNS for path in Path().glob(pattern))
        return {str(Path(self.build_lib, "pipeline", "shipped", path)): str(path) for path in found}

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *self._shipped().values()]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *self._shipped()]

    def get_output_mapping(self) -> dict[str, str]:
        return super().get_output_mapping() | ({} if self.editable_mode else self._shipped())


setup(cmdclass={"build_py": BuildPy})
