"""The ewoks task that registers stacks by intensities."""

from __future__ import annotations

import logging

from ..registration import preprocess
from ._registering import RegisteringTask
from ._registration_models import IntensityInputs
from ._registration_models import RegistrationOutputs

_logger = logging.getLogger(__name__)

# Why the mappers of ewoksndreg 0.5.0 are not used
_REASONS = {
    "CrossCorrelation-Numpy": "only finds integer shifts",
    "CrossCorrelation-SciKitImage": "only finds shifts, within 0.05 px, and not for NaN",
    "Optimization-SimpleITK": "rejects integers and often stops pixels away from the optimum",
    "Optimization-Kornia": "fails for images with NaN and is a hundred times slower",
}


class Reg2DIntensities(  # type: ignore[call-arg]  # ewokscore has no types
    RegisteringTask, input_model=IntensityInputs, output_model=RegistrationOutputs
):
    """Find the transformations that align the images of each stack, from the pixel intensities. See
    :func:`ewoksndreg.register_stack`.

    The task identifier, inputs and outputs are those of ewoksndreg 0.5.0. The same method replaces
    all of its mappers.
    """

    def run(self) -> None:
        inputs = self.inputs
        self._explain()
        options = {
            name: value
            for name, value in (inputs.preprocessing_options or {}).items()
            if value is not None and name not in ("apply_window", "pin_range")
        }
        self._register(
            "intensities",
            lambda stack: preprocess(stack, **options) if options else stack,
            {
                "mapper": inputs.mapper,
                "mapper_options": inputs.mapper_options,
                "preprocessing_options": inputs.preprocessing_options,
                "block_size": inputs.block_size,
            },
            inputs.block_size,
        )

    def _explain(self) -> None:
        """Log the inputs that have no effect, and why."""
        inputs = self.inputs
        if inputs.mapper is not None:
            _logger.info(
                "The images are registered with the Gauss-Newton method of this library, not with"
                " %r, which %s",
                inputs.mapper,
                _REASONS[inputs.mapper],
            )
        for name in inputs.mapper_options or ():
            _logger.info("The mapper option %r has no effect: the mapper is not used", name)
        for name, why in (
            ("apply_window", "the method needs no window"),
            ("pin_range", "each image is normalized"),
        ):
            if (inputs.preprocessing_options or {}).get(name):
                _logger.info("The preprocessing option %r has no effect: %s", name, why)
