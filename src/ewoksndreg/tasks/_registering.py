"""The base class of the tasks that register stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._messages import unknown_name
from .._stacks import Stack
from ..evaluation import check_same_number_of_images
from ..io import find_sources
from ..io import open_stacks
from ..registration import Method
from ..registration import Registration
from ..registration import register_each_stack
from ._cancellable import CancellableTask


class RegisteringTask(CancellableTask):
    """Registers each stack on its own, or one stack for all."""

    registrations: dict[str, Registration]
    """The results of the last run, also for each image."""

    def _register(
        self,
        method: Method,
        prepare: Callable[[Stack], Stack],
        configuration: dict[str, Any],
        block_size: int = 1,
    ) -> None:
        """Register the stacks and set the outputs that these tasks share.

        :param prepare: applied to each stack before the registration.
        :param configuration: the parameters to pass on.
        """
        inputs, outputs = self.inputs, self.outputs
        given, reference = inputs.image_stacks, inputs.reference_stack
        names = list(find_sources(given))
        if reference is not None and reference not in names:
            raise ValueError(unknown_name("reference_stack", reference, names))
        with open_stacks(given) as stacks:
            registered = names if reference is None else [reference]
            if reference is not None:
                check_same_number_of_images(stacks, {})
            found = self.registrations = register_each_stack(
                {name: prepare(stacks[name]) for name in registered},
                inputs.transformation_type,
                method=method,
                reference_image=inputs.reference_image,
                mask=inputs.mask,
                block_size=block_size,
                progress=self._report,
                should_stop=lambda: self.cancelled,
                max_workers=inputs.max_workers,
            )
        outputs.image_stacks = given
        outputs.transformations = {
            name: list(found[reference or name].transformations) for name in names
        }
        outputs.reference_stack = reference
        outputs.output_configuration = {
            **(inputs.output_configuration or {}),
            **configuration,
            "transformation_type": inputs.transformation_type.value,
            "reference_image": inputs.reference_image,
            "reference_stack": reference,
        }
        outputs.correlations = {name: each.correlation.tolist() for name, each in found.items()}
        outputs.failed_images = {name: dict(each.failed) for name, each in found.items()}
        self.progress = 100
