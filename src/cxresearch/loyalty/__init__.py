"""Loyalty over time: how long satisfaction goes on mattering, when the dissatisfied leave, what keeping them is worth.

One module per question, named for it; beside it, under the same first word, what it answers with (``_results``), how
rows get ready (``_rows``), the fit, tables, sentences (``_words``), notes and figures.

==================  =================================================================
lags, series        effects of this and earlier periods, in a panel and in one series
carry_over          for how long an improvement is felt
processes           the same for each business process, and between groups
fading              how a rating moves with the time since the service
streaks             when the dissatisfied leave
leaving, contagion  why they leave, and whether in flocks
attrition           who vanishes without a word, and weights for it
economics           what keeping a customer is worth
mediation           service, loyalty, profit
==================  =================================================================

Shared by several: ``periods`` (the calendar), ``presence`` (who is seen when), ``groups`` (a part beside the rest),
``reach`` (how far effects go), ``placebo``, ``projections``, ``nouns`` (what things are called).
"""
