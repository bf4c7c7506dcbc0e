# SPDX-License-Identifier: MIT
"""Why a run cannot go on."""


class Trouble(Exception):
    """Something did not work; the text is for the person who started the bench."""


class Missing(Exception):
    """A program is missing, without which this part cannot be measured."""
