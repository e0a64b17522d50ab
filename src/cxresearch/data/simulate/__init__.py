"""Data with known truth: what a method should find in them is returned beside them.

Every function draws from one seeded generator, answers with ``(frame, truth)``, and never cuts a score
off at the ends of its scale: the truth would then no longer be the one stated. Under the defaults about
one score in several thousand lies outside its scale.
"""

from cxresearch.data.simulate.designs import VISIT_VARIANCES, mystery_visits
from cxresearch.data.simulate.duties import POST_MEANS, POST_VARIANCES, VALUE_EFFECTS, posts
from cxresearch.data.simulate.episodes import RULES, episodes
from cxresearch.data.simulate.leavers import REASONS, leaving
from cxresearch.data.simulate.panels import panel
from cxresearch.data.simulate.profits import profits
from cxresearch.data.simulate.rectified import rectification
from cxresearch.data.simulate.service import PROCESSES, processes
from cxresearch.data.simulate.stays import blueprint, stays
from cxresearch.data.simulate.surveys import TOUCHPOINTS, responses
from cxresearch.data.simulate.visits import RATING_VARIANCES, ratings

__all__ = [
    "POST_MEANS",
    "POST_VARIANCES",
    "PROCESSES",
    "RATING_VARIANCES",
    "REASONS",
    "RULES",
    "TOUCHPOINTS",
    "VALUE_EFFECTS",
    "VISIT_VARIANCES",
    "blueprint",
    "episodes",
    "leaving",
    "mystery_visits",
    "panel",
    "posts",
    "processes",
    "profits",
    "ratings",
    "rectification",
    "responses",
    "stays",
]
