"""Whether a candidate is better, the same or worse than what serves: arithmetic only.

Everything here may be asked as often as one likes, and stopped whenever one likes: the promised error rates hold over
all looks together. `docs/explanation/analysis.md` says how and why; `docs/reference/calibration.md` what came out.
"""
