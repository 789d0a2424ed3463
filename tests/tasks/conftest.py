import h5py
import numpy
import pytest
from ewokscore.progress import BasePercentageProgress
from scipy import ndimage

from ewoksndreg.transformation import Homography

# Where the content of image n lies with respect to image 0 (row, column), in integer pixels so that
# aligned images can be cut out of the stacks.
MOTION = ((0, 0), (1, 2), (3, 1), (2, -2))


def shifts(motion):
    """Passive transformations that bring images that moved by `motion` back."""
    matrices = numpy.tile(numpy.identity(3), (len(motion), 1, 1))
    matrices[:, :2, 2] = motion
    return [Homography(matrix) for matrix in matrices]


def shift_images(images, motion):
    """The same by cutting: `result[p] = image[p + motion]`, NaN outside."""
    result = numpy.full(images.shape, numpy.nan)
    height, width = images.shape[1:]
    for n, (row, column) in enumerate(motion):
        for i in range(height):
            for j in range(width):
                if 0 <= i + row < height and 0 <= j + column < width:
                    result[n, i, j] = images[n, i + row, j + column]
    return result


def run_task(task_class, **inputs):
    """The outputs of a task."""
    task = task_class(inputs=inputs)
    task.execute()
    return task.get_output_values()


def find_cause(run, *arguments, **inputs):
    """The exception behind the one that ewoks raises."""
    with pytest.raises(RuntimeError, match="Execution failed") as caught:
        run(*arguments, **inputs)
    return caught.value.__cause__


class Progress(BasePercentageProgress):
    """Records the progress, and cancels the task at some point."""

    def __init__(self, stop_at=101):
        super().__init__()
        self.values = []
        self.stop_at = stop_at
        self.task = None

    def _update(self):
        self.values.append(self.progress)
        if self.progress >= self.stop_at:
            self.task.cancel()


WRONG = {
    "Ca-K": MOTION,
    "Fe-K": ((0, 0), (2, 1), (1, 2), (0, 0)),
    "Zn-K": ((0, 0), (5, -5), (-4, 6), (6, 6)),
}


@pytest.fixture
def stacks():
    """Three channels of one moving sample."""
    rng = numpy.random.default_rng(1)
    sample = ndimage.gaussian_filter(rng.normal(size=(40, 44)), 1.5)
    images = numpy.stack(
        [sample[8 - row : 32 - row, 8 - column : 36 - column] for row, column in MOTION]
    )
    return {
        "Fe-K": images.astype(numpy.float32),
        "Ca-K": numpy.round(1e4 * (images - images.min())).astype(numpy.uint16),
        "Zn-K": 1e-3 * images**2,
    }


@pytest.fixture
def transformations():
    """Lists that are right, somewhat wrong and very wrong."""
    return {name: shifts(WRONG[name]) for name in ("Fe-K", "Zn-K", "Ca-K")}


@pytest.fixture
def stacks_url(tmp_path, stacks):
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        for name, images in stacks.items():
            file[f"/entry/maps/{name}"] = images
    return f"{tmp_path}/maps.h5::/entry/maps"
