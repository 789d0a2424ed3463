"""Cases in which the true motion is known, to see how often the best registration is put first.

``python -m tests.ground_truth`` prints the table of ``doc/explanation/ground_truth.md``.
"""
