"""The ewoks task that registers stacks by features."""

from __future__ import annotations

import logging

from ._registering import RegisteringTask
from ._registration_models import DETECTORS
from ._registration_models import FeatureInputs
from ._registration_models import FeatureOutputs

_logger = logging.getLogger(__name__)


class Reg2DFeatures(  # type: ignore[call-arg]  # ewokscore has no types
    RegisteringTask, input_model=FeatureInputs, output_model=FeatureOutputs
):
    """Find the transformations that align the images of each stack, from matching features. See
    :func:`ewoksndreg.register_stack`.

    The task identifier, inputs and outputs are those of ewoksndreg 0.5.0. Needs
    ``pip install ".[register]"``.
    """

    def run(self) -> None:
        inputs = self.inputs
        if inputs.detector == "Sift-Silx":
            _logger.info("Features are found with SIFT of scikit-image, which needs no OpenCL")
        if inputs.matcher == "Descriptor-Silx":
            _logger.info("Features are matched with scikit-image, which needs no OpenCL")
        if inputs.mapper != "Ransac-SciKitImage":
            _logger.info(
                "RANSAC selects matches before the least-squares fit, since %r is not robust"
                " against wrong matches",
                inputs.mapper,
            )
        self._register(
            DETECTORS[inputs.detector],
            lambda stack: stack,
            {
                "detector": inputs.detector,
                "matcher": inputs.matcher,
                "mapper": inputs.mapper,
            },
        )
        found, names = self.registrations, self.outputs.transformations
        reference = inputs.reference_stack
        self.outputs.features = {name: list(found[reference or name].features) for name in names}
        self.outputs.matches = {
            name: [each or (None, None) for each in found[reference or name].matches]
            for name in names
        }
