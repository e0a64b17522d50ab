"""``python -m cxresearch.batch.kernels`` is the warm parent; only `provisioner` starts it."""

# The loop lives in an imported module: `__main__` becomes the notebook's own module in every kernel.
from cxresearch.batch.kernels.parent import main

main()
