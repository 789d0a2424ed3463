"""The ewoks task that registers stacks by their intensities."""

from __future__ import annotations

import logging

from ..registration import preprocess
from ._registering import RegisteringTask
from ._registration_models import IntensityInputs
from ._registration_models import RegistrationOutputs

_logger = logging.getLogger(__name__)

# Why the mappers of ewoksndreg 0.5.0 do not do the work here
_REASONS = {
    "CrossCorrelation-Numpy": "finds shifts by whole pixels only",
    "CrossCorrelation-SciKitImage": "finds shifts only, to some 0.05 px, and no image with NaN",
    "Optimization-SimpleITK": "refuses integers and often stops px away from the optimum",
    "Optimization-Kornia": "gives up on images with NaN and is a hundred times slower",
}


class Reg2DIntensities(  # type: ignore[call-arg]  # ewokscore has no types
    RegisteringTask, input_model=IntensityInputs, output_model=RegistrationOutputs
):
    """Find the transformations that align the images of each stack, by the intensities of their
    pixels. See :func:`ewoksndreg.register_stack`.

    Identifier, inputs and outputs are those of ewoksndreg 0.5.0. One method does the work of all of
    its mappers.
    """

    def run(self) -> None:
        inputs = self.inputs
        self._explain()
        options = dict(inputs.preprocessing_options or {})
        for name in ("apply_window", "pin_range"):
            options.pop(name, None)
        self._register(
            "intensities",
            lambda stack: preprocess(stack, **options) if options else stack,
            {
                "mapper": inputs.mapper,
                "mapper_options": inputs.mapper_options,
                "preprocessing_options": inputs.preprocessing_options,
                "block_size": inputs.block_size,
            },
        )

    def _explain(self) -> None:
        """Say in the log what is done in another way than the inputs say."""
        inputs = self.inputs
        if inputs.mapper is not None:
            _logger.info(
                "The Gauss-Newton method of this library registers the images, not %r, which %s",
                inputs.mapper,
                _REASONS[inputs.mapper],
            )
        for name in inputs.mapper_options or ():
            _logger.info("The option %r of the mapper changes nothing: there is no mapper", name)
        for name, why in (
            ("apply_window", "the edges of the images do not matter"),
            ("pin_range", "each image is brought to one scale"),
        ):
            if (inputs.preprocessing_options or {}).get(name):
                _logger.info("The preprocessing option %r changes nothing: %s", name, why)
        if inputs.block_size > 1:
            _logger.info(
                "block_size = %s changes nothing: every image is registered with the reference"
                " image itself",
                inputs.block_size,
            )
